//! A plugin that behaves: the template that authors begin with. The museum's good neighbour, and
//! what its bits are flipped in.

#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "the template is a library of its own")]

#[path = "../../../examples/provider-template/src/lib.rs"]
mod template;
