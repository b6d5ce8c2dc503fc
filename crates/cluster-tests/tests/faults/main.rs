//! A whole chat on real servers, with something going wrong. One test at a time; those of one shape stand together, so that
//! its servers start once.

mod one;
mod restore;
mod secured;
mod three;
