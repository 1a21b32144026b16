//! Work on many pieces at once whose results are taken in order.

use crate::Result;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Calls `work(0)` … `work(pieces − 1)` on all processors and hands each result to `take` in this order, so
/// that what comes of it does not depend on the number of processors.
///
/// # Errors
/// The first one in order, of `work` or of `take`; pieces behind it may be left out.
pub(super) fn in_order<T: Send>(
    pieces: usize,
    work: impl Fn(usize) -> Result<T> + Sync,
    mut take: impl FnMut(usize, T) -> Result<()>,
) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(pieces.max(1));
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::sync_channel(2 * threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    // No receiver: an error has ended the whole.
                    if piece >= pieces || sender.send((piece, work(piece))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut turn = 0;
        // Moved in here, so that an early return closes the channel and the threads end.
        for (piece, result) in receiver {
            early.insert(piece, result);
            while let Some(result) = early.remove(&turn) {
                take(turn, result?)?;
                turn += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn results_come_in_order_and_the_first_error_ends() {
        let mut got = Vec::new();
        let slow_first = |i: usize| {
            if i == 0 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Ok(i * i)
        };
        in_order(50, slow_first, |i, square| {
            assert_eq!(square, i * i);
            got.push(i);
            Ok(())
        })
        .unwrap();
        assert_eq!(got, (0..50).collect::<Vec<_>>());
        in_order(0, slow_first, |_, _| panic!("no piece")).unwrap();

        let mut taken = 0;
        let fail = |i: usize| match i {
            7 | 9 => Err(Error::Usage(format!("piece {i}"))),
            _ => Ok(()),
        };
        let error = in_order(1000, fail, |_, ()| {
            taken += 1;
            Ok(())
        });
        assert_eq!((error.unwrap_err().to_string(), taken), ("piece 7".to_string(), 7));
    }
}
