//! The card transactions of a made-up country: people with cards and habits, shops, thieves, and the five files they leave.
//!
//! [`sample`] is the entry. It builds a [`world`] (who lives where with which cards, which shops there are), lets it live
//! day by day ([`simulation`]: [`shoppers`] and [`thieves`] put transactions into a [`queue`]), and writes what happens
//! ([`rows`], damaged on request by [`damage`]).

mod calendar;
mod campaigns;
mod cards;
mod damage;
mod habits;
mod market;
mod merchant_codes;
mod places;
mod queue;
mod rows;
mod sample;
mod schemes;
mod shoppers;
mod simulation;
mod thieves;
mod transaction;
mod users;
mod world;

#[cfg(test)]
mod tests;

pub use sample::{FRAUD_FILES, FraudSample, FraudSummary, generate_fraud};
