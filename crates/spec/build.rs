//! The domain folders are embedded: a changed file there is a changed crate.

#[expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=../../domains");
}
