package import Linux

/// Something that an event loop watches or wakes: a connection, a listener, a timer.
///
/// All calls come on the loop's thread.
package protocol EventHandler: AnyObject {
    /// The loop's own notes on the handler: a constant of it.
    var registration: Registration { get }

    /// The kernel reports a change of this handler's descriptor.
    func ready(_ events: Epoll.Events)

    /// The deadline set with `EventLoop.setDeadline` has passed. It is then unset.
    func timedOut()

    /// This turn of the loop ends, and `EventLoop.atEndOfTurn` was asked for.
    func turnEnds()
}

extension EventHandler {
    package func ready(_ events: Epoll.Events) {}
    package func timedOut() {}
    package func turnEnds() {}
}

/// What a loop keeps of a handler. One registration belongs to one handler.
package final class Registration {
    /// The loop's name for it; 0 while it is not registered.
    internal var token: UInt64 = 0
    /// When `timedOut` is due, in the loop's milliseconds; `.max` for never.
    internal var deadline: UInt64 = .max
    /// The moment of the wheel's entry that counts; `.max` for none.
    internal var wheelEntry: UInt64 = .max
    /// Whether it waits for the end of this turn of the loop.
    internal var isDeferred = false

    package init() {}

    package var isRegistered: Bool { token != 0 }
}
