import Engine

/// Whether a peer takes what it is sent, however slowly.
///
/// epoll tells of a socket that it takes more when a third of the kernel's buffer is free, which is a megabyte and more:
/// a peer that reads slowly, and all the time, may take longer for that than it may take nothing. So the kernel is
/// asked what is still on its way (SIOCOUTQ), a few times while the peer's time runs, and never by those who are fast.
internal struct Uptake {
    /// Milliseconds of the loop: until then it is known, or taken for granted, that the peer took something.
    private var since: UInt64 = 0
    /// Bytes that it had taken at the last look.
    private var taken: UInt64?

    /// What a peer takes before the first look is not known to be later than the beginning.
    private static let looks: UInt64 = 8

    /// The peer's time begins. - Returns: milliseconds until the first look.
    mutating func begin(now: UInt64, patience: UInt64) -> UInt64 {
        since = now
        taken = nil
        return Self.pause(patience)
    }

    /// Looks what the peer has taken.
    /// - Parameter patience: milliseconds that it may take nothing.
    /// - Returns: milliseconds until the next look; nil when its time is over.
    mutating func look(at transport: Transport, now: UInt64, patience: UInt64) -> UInt64? {
        look(taken: transport.bytesOut &- UInt64(transport.untaken), now: now, patience: patience)
    }

    mutating func look(taken count: UInt64, now: UInt64, patience: UInt64) -> UInt64? {
        if let taken, taken != count { since = now }
        taken = count
        let end = since &+ patience
        return end > now ? min(end - now, Self.pause(patience)) : nil
    }

    private static func pause(_ patience: UInt64) -> UInt64 { max(1, patience / looks) }
}
