import Linux

/// Polls `condition` for up to a minute.
///
/// - Returns: whether it came to hold.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let end = Clock.monotonicNanoseconds + 60_000_000_000
    while try !condition() {
        if Clock.monotonicNanoseconds > end { return false }
        Linux.Thread.pause(milliseconds: 5)
    }
    return true
}
