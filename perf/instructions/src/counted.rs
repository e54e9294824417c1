//! The door through which the service runs: callgrind counts what happens behind it and nothing else.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future of the service's.
pub(crate) type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs the service behind [`poll_counted`].
pub(crate) struct Counted(pub(crate) Served);

impl Future for Counted {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        poll_counted(&mut self.get_mut().0, context)
    }
}

/// `run` tells callgrind this function's name, so it must be one: never inlined, and nothing else is called so.
#[inline(never)]
fn poll_counted(served: &mut Served, context: &mut Context<'_>) -> Poll<()> {
    served.as_mut().poll(context)
}
