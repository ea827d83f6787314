//! The command line as people and agents use it: the real binary, with a home of its own.

mod doctor;
mod exposed;
mod home;
mod install;
mod login;
mod pages;
