//! Bounded single-producer queues between the threads of an engine. They are leaked once: their halves are `Send` and
//! need no lock. Full means counted by whoever pushes.

use heapless::spsc::{Consumer, Producer, Queue};

/// A queue of `N - 1` places.
pub(crate) fn ring<T: 'static, const N: usize>() -> (Producer<'static, T>, Consumer<'static, T>) {
    let queue: &'static mut Queue<T, N> = Box::leak(Box::new(Queue::new()));
    queue.split()
}
