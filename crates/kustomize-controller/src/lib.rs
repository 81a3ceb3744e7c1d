//! Reconciles Kustomizations: opens, renders, applies, prunes and waits.
