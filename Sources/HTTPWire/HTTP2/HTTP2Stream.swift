import Bytes

/// One request and its answer on a session. Made by `HTTP2StreamPool`, given to the delegate by the session.
package final class HTTP2Stream {
    /// The stream's number on its connection.
    package internal(set) var id: Int32 = 0
    /// The request's head, valid once `opened` was called. For extended CONNECT the method is `connect` and
    /// `head.upgrade` holds `:protocol`.
    package let head = MessageHead()
    /// The request ended with its head: it has no body.
    package internal(set) var endsWithHead = false
    /// The client has sent all of the request.
    package internal(set) var requestEnded = false
    /// The fields that came behind the body; nil when none did. Never merged into the head.
    package internal(set) var trailers: MessageHead?
    /// When bytes of the answer were last written into frames: milliseconds of the session's clock, 0 for never.
    package internal(set) var lastWritten: UInt64 = 0
    /// What the gateway keeps for this stream; let go after `closed`.
    package var context: AnyObject?

    /// Bytes of the answer that were accepted and not yet written into frames.
    package var buffered: Int {
        guard let outbox else { return 0 }
        return outbox.count
    }

    // What the session keeps for a stream.
    var state = HTTP2StreamState()
    var reader = RequestHeadReader()
    var outbox: ByteBuffer?
    var trailersToSend: HTTP2HeadWriter?

    init() {}

    /// Ready for another request; the memory of the heads stays.
    func prepare(id: Int32) {
        self.id = id
        head.clear()
        head.version = .http2
        endsWithHead = false
        requestEnded = false
        trailers = nil
        lastWritten = 0
        context = nil
        state = HTTP2StreamState()
        reader = RequestHeadReader()
        trailersToSend = nil
    }
}

/// Where a stream is, as its session sees it.
struct HTTP2StreamState {
    /// Where the stream stands in the session's list of live streams.
    var index = 0
    /// The library knows it.
    var isLive = false
    /// The delegate has been told of it, and must be told of its end.
    var announced = false
    /// A final response head was submitted.
    var responded = false
    /// The answer is complete; nothing more may be sent.
    var finished = false
    /// The library asked for data when there was none, and waits to be told of more.
    var deferred = false
    /// `send` accepted less than it was given.
    var wantsWritable = false
    /// The delegate has been told that it is malformed.
    var refused = false
    /// It was reset on the gateway's behalf, which is not the client's fault.
    var resetByUs = false
    /// Bytes of the body that were given to the delegate and not yet consumed.
    var unconsumed = 0
}
