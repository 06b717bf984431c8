import Linux

/// Polls `condition` for up to two minutes.
///
/// - Returns: whether it came to hold.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = Clock.monotonicNanoseconds + 120_000_000_000
    while !condition() {
        if Clock.monotonicNanoseconds > end { return false }
        Linux.Thread.pause(milliseconds: 5)
    }
    return true
}
