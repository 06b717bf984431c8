/// When an HTTP/2 client's time is over, for each thing that is waited for: the loop's milliseconds, `.max` for what is
/// not waited for.
///
/// The streams are looked at every so often, not each by a timer of its own: a stream that is answered at once, as
/// almost all are, costs nothing.
internal struct HTTP2Deadlines {
    /// For the rest of a head.
    private(set) var head = UInt64.max
    /// For the next request while no stream is open. Frames that are none of a request do not put it off.
    private(set) var idle: UInt64
    /// To look whether the client takes some of what the socket does not take.
    private(set) var output = UInt64.max
    /// To look at the streams again.
    private(set) var look = UInt64.max
    /// For the answer to the PING behind the notice of the end (RFC 9113 section 6.8). A client that gives none is told
    /// the end itself.
    private(set) var notice = UInt64.max
    /// The stream whose head is under way; 0 for none.
    private(set) var headStream: Int32 = 0
    /// A request has come.
    private(set) var hasServed = false

    /// - Parameter idle: for the first request.
    init(idle: UInt64) {
        self.idle = idle
    }

    var next: UInt64 { min(min(min(head, idle), min(output, look)), notice) }

    /// Takes in where the session stands.
    ///
    /// - Parameters:
    ///   - headUnderWay: the stream whose head has begun to come and is not whole.
    ///   - openStreams: streams that are open.
    mutating func update(headUnderWay: Int32, openStreams: Int, now: UInt64, timeouts: TimeoutPlan, patience: UInt64) {
        if headUnderWay != headStream {
            headStream = headUnderWay
            head = headUnderWay == 0 ? .max : now &+ timeouts.httpRequest
        }
        if openStreams > 0 {
            hasServed = true
            idle = .max
            if look == .max { look = now &+ patience }
        } else {
            look = .max
            if idle == .max { idle = now &+ timeouts.httpKeepAlive }
        }
    }

    /// The streams were looked at. - Parameter next: when one of them may be due.
    mutating func looked(next: UInt64) { look = next }

    /// The socket took none, or not all, of what waits for it.
    mutating func blocked(until due: UInt64) { output = due }

    mutating func taken() { output = .max }

    /// The client was told that an end comes.
    mutating func noticed(now: UInt64) { notice = now &+ 1000 }

    /// The time for the answer is over.
    mutating func noticeIsOver() { notice = .max }
}
