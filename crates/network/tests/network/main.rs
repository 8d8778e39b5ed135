//! Networks from the outside: what a caller may rely on.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod deriving;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod real_graphs;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod support;
#[cfg(test)]
mod unmet;
#[cfg(test)]
mod what_if;
