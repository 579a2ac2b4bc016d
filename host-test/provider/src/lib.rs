//! The stub provider.
