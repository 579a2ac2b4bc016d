//! The stub from outside: over TCP, by its headers, its control paths and its library.

mod answers;
mod client;
mod load;
mod records;
mod scripts;
