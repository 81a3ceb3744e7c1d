//! Go text/template, fmt verbs and sprig, over plain values.
