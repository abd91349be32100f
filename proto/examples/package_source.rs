//! Prints the generated source that the client's package holds: `make gen` writes it there.

#![allow(clippy::print_stdout)]

fn main() {
    print!("{}", semanas_proto::PACKAGE_SOURCE);
}
