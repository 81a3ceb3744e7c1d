//! Reading and printing, against Go's YAML libraries and against hostile input.

mod corpus;
mod hostile;
mod reading;
