import Bytes
import Engine
package import HTTPWire
import Linux

/// One request and its answer, from the head to the log line.
///
/// The phases are in the files beside this one, in this order: head, route, admit, select, connect,
/// forward, respond, account. Each says what it gets and what it leaves. An exchange is used again
/// for later requests of its worker, so that a request allocates nothing.
package final class Exchange {
    internal let worker: Worker
    /// The request: in HTTP/2 the stream's own head, else ours.
    package private(set) var head: MessageHead
    private let ownHead = MessageHead()
    /// The answer, the server's or our own.
    package let response = MessageHead()
    /// The path on which routing goes: percent-decoded where that is safe, dot segments resolved.
    internal let path = ByteBuffer(capacity: 512)

    internal var runtime: Runtime
    internal var client: (any ClientStream)?
    /// The connection that the request came by.
    internal private(set) var origin: ClientConnection?
    internal var route = -1
    internal var pool: Pool?
    internal var server = -1
    /// The server tried last, for the log; -1 for none.
    internal var lastServer = -1
    internal var connection: ServerConnection?
    /// Those that have failed it.
    internal var tried = TriedServers()
    /// Tries so far.
    internal var attempts = 0
    /// A kept connection proved stale: no other one is trusted with this request.
    internal var needsNewConnection = false

    internal var stage = Stage.idle
    /// The client's body is complete.
    internal var requestEnded = false
    /// Body bytes that came from the client, and those of them that went to a server.
    internal var bodyReceived: UInt64 = 0
    internal var bodyForwarded: UInt64 = 0
    internal var bodyLimit: UInt64 = .max
    /// Interim answers so far.
    internal var interim = InterimBudget()
    /// The head of the answer has gone to the client.
    internal var answerBegun = false
    /// Body bytes of the answer.
    internal var answerBytes: UInt64 = 0
    internal var isTunnel = false
    /// Bytes of the body that may have to be sent again; see `Replay.swift`.
    internal var keptBody: ByteBuffer?
    /// What came behind the request's body.
    internal var endTrailers: MessageHead?
    /// Which sides of a tunnel have ended.
    internal var clientHasEnded = false
    internal var serverHasEnded = false
    /// What comes behind the bodies, apart from the heads. Made by the first chunked body.
    internal lazy var requestTrailers = MessageHead()
    internal lazy var responseTrailers = MessageHead()
    /// Fields have been added to the request, once for all tries.
    internal var isPrepared = false
    internal var requestID = Slice.empty
    internal var outcome = Outcome.completed
    internal var refusal: RefusalReason?
    internal var times = PhaseTimes()

    internal enum Stage {
        /// Not in use.
        case idle
        /// The head is being read.
        case reading
        /// No server can take it yet.
        case queued
        case connecting
        /// The request goes to the server, and the answer comes.
        case forwarding
        /// The gateway answers by itself.
        case answering
        case tunnel
        case ended
    }

    internal init(worker: Worker) {
        self.worker = worker
        head = ownHead
        runtime = worker.runtime
    }

    /// - Parameter given: a head that is complete already; nil when the codec fills ours.
    internal func begin(_ client: any ClientStream, runtime: Runtime, head given: MessageHead?) {
        self.client = client
        origin = client.origin
        if runtime !== self.runtime { self.runtime = runtime }
        let head = given ?? ownHead
        if head !== self.head { self.head = head }
        if given == nil { head.clear() }
        response.clear()
        route = -1
        server = -1
        lastServer = -1
        tried.removeAll()
        attempts = 0
        needsNewConnection = false
        stage = .reading
        requestEnded = false
        bodyReceived = 0
        bodyForwarded = 0
        bodyLimit = .max
        interim = InterimBudget()
        answerBegun = false
        answerBytes = 0
        isTunnel = false
        clientHasEnded = false
        serverHasEnded = false
        isPrepared = false
        requestID = .empty
        outcome = .completed
        refusal = nil
        times = PhaseTimes()
        times.begun = worker.loop.nowMicroseconds
    }

    /// Lets go of what it held for the request that has ended.
    internal func release() {
        client = nil
        origin = nil
        connection = nil
        pool = nil
        endTrailers = nil
        forgetBody()
    }

    /// Whether a head has grown far past its first size, so that the exchange is not worth keeping.
    internal var hasGrown: Bool { max(ownHead.bytes.capacity, response.bytes.capacity, path.capacity) > 16_384 }

    /// Whether the client's body bytes can be taken now.
    internal var wantsBody: Bool {
        switch stage {
        case .forwarding, .tunnel:
            // What follows a request for another protocol would be a request of its own to a server that declines.
            guard let connection, isTunnel || !requestEnded else { return false }
            return connection.transport.pendingOutput < runtime.plan.limits.buffer
        case .answering: return true
        case .idle, .reading, .queued, .connecting, .ended: return false
        }
    }

    /// Whether the server's bytes can be passed on now.
    internal var wantsAnswer: Bool {
        guard stage == .forwarding || stage == .tunnel, let client else { return false }
        return !client.isCongested
    }

    /// The client has room again.
    internal func clientTook() {
        guard stage == .forwarding || stage == .tunnel, let connection, wantsAnswer else { return }
        armServerDeadline()
        connection.pump()
    }

    /// The server has taken what waited for it.
    internal func serverTook() {
        guard wantsBody else { return }
        client?.bodyWanted()
    }
}

/// How many interim answers one exchange passes on.
///
/// A proxy leaves none out (RFC 9110 section 15.2), and a client need not read: without a bound, a server that goes on
/// with them would fill memory. A final answer is preceded by two or three of them, or by one 102 every 20 seconds.
internal struct InterimBudget {
    private var answers = 32
    /// Bytes of their heads, with 32 for each field as HTTP/2 counts them (RFC 9113 section 6.5.2).
    private var bytes = 65_536

    /// - Returns: whether there was room for one more.
    mutating func admit(_ head: MessageHead) -> Bool {
        answers -= 1
        bytes -= head.bytes.count + 32 * head.fields.count
        return answers >= 0 && bytes >= 0
    }
}

/// Moments of an exchange in microseconds, monotonic; 0 for what was not reached.
internal struct PhaseTimes {
    var begun: UInt64 = 0
    /// The head was complete.
    var received: UInt64 = 0
    /// It began to wait for a server, the last time.
    var queued: UInt64 = 0
    /// A server was picked.
    var selected: UInt64 = 0
    /// The connection stood, new or kept.
    var connected: UInt64 = 0
    /// The answer's head came.
    var answered: UInt64 = 0
}

/// Why an exchange ended as it did; the word stands in the access log.
internal enum Outcome: String, CaseIterable {
    case completed
    case redirected
    case refused
    case notFound = "no-route"
    case misdirected
    case bodyTooLarge = "body-too-large"
    case bodyTooSlow = "body-too-slow"
    case clientGone = "client-gone"
    case clientTimeout = "timeout-client"
    case requestTimeout = "timeout-http-request"
    case queueFull = "queue-full"
    case queueTimeout = "timeout-queue"
    case connectFailed = "connect-failed"
    case connectTimeout = "timeout-connect"
    case serverClosed = "server-closed"
    case serverRefused = "server-refused"
    case serverTimeout = "timeout-server"
    case tunnelTimeout = "timeout-tunnel"
    case tunnelEnded = "tunnel-ended"
}
