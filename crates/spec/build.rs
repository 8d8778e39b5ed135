//! The domain folders are embedded: a changed file there is a changed crate.

fn main() {
    println!("cargo::rerun-if-changed=../../domains");
}
