import Bytes
import Engine
import HTTPWire
import Linux
import Site

/// Active checks of one server: connects every so often, asks, and keeps what came of it in the shared
/// state. One worker runs the checks of all pools; every worker acts on what they say.
internal final class HealthCheck: EventHandler {
    let registration = Registration()
    private unowned let worker: Worker
    private let pool: PoolPlan
    private let server: ServerPlan
    private let health: HealthPlan
    private let request: [UInt8]
    private let verdicts: HealthVerdicts
    private var timer: CheckTimer?
    private var transport: Transport?
    private var parser = HTTP1ResponseParser(limits: HeadLimits())
    private var decoder = HTTP1BodyDecoder(.response)
    private let head = MessageHead()
    private var isReadingHead = true
    /// The body as far as it is looked at.
    private var body: [UInt8] = []

    /// Bytes of a body that are searched for the text that must be in it.
    private static let bodyLimit = 65536

    init(worker: Worker, pool: PoolPlan, server: ServerPlan, health: HealthPlan) {
        self.worker = worker
        self.pool = pool
        self.server = server
        self.health = health
        verdicts = HealthVerdicts(state: worker.state, pool: pool, server: server, health: health)
        let host = health.host ?? Self.host(of: server)
        request = Array(
            "GET \(health.path ?? "/") HTTP/1.1\r\nhost: \(host)\r\nuser-agent: gatehouse-check\r\nconnection: close\r\n\r\n"
                .utf8
        )
    }

    /// As a Host field names it (RFC 9110 section 7.2).
    internal static func host(of server: ServerPlan) -> String {
        IPAddress(server.name)?.width == 128 ? "[\(server.name)]" : server.name
    }

    /// Begins to check, the first time at a moment of its own so that servers are not all asked at once.
    func start() throws(SystemError) {
        let timer = CheckTimer(check: self)
        try worker.loop.add(timer, activity: .healthCheck)
        self.timer = timer
        worker.loop.setDeadline(timer.registration, after: UInt64.random(in: 0...min(health.every, 200)))
    }

    func stop() {
        if let timer { worker.loop.remove(timer) }
        timer = nil
        disconnect()
    }

    /// One check begins.
    fileprivate func begin() {
        guard let timer else { return }
        worker.loop.setDeadline(timer.registration, after: health.every)
        guard transport == nil else { return }
        guard let address = server.socketAddress else { return verdicts.failed(.unreachable, now: worker.loop.now) }
        let socket: FileDescriptor
        do throws(SystemError) {
            socket = try Socket.connect(to: address)
        } catch {
            // What this machine lacks says nothing about the server.
            if error.isShortage { return }
            return verdicts.failed(.unreachable, now: worker.loop.now)
        }
        let made = Transport(socket, tls: nil, pool: worker.buffers)
        transport = made
        parser.reset(forMethod: .get)
        head.clear()
        isReadingHead = true
        body.removeAll(keepingCapacity: true)
        do {
            try worker.loop.add(self, descriptor: made.descriptor, activity: .healthCheck)
        } catch {
            return disconnect()
        }
        worker.loop.setDeadline(registration, after: health.timeout)
        let text = request
        if health.path != nil { made.write(text.span) }
    }

    func timedOut() {
        worker.count(.timeoutsCheck)
        end(.timedOut)
    }

    func ready(_ events: Epoll.Events) {
        guard let transport else { return }
        transport.note(events)
        if events.contains(.error) || events.contains(.hangUp) {
            if Socket.pendingError(transport.descriptor) != 0 { return end(.refused) }
        }
        guard transport.isWritable else { return }
        if health.path == nil { return end(nil) }
        if case .failed = transport.flush() { return end(.refused) }
        read(transport)
    }

    private func read(_ transport: Transport) {
        while transport.isReadable {
            switch transport.receive() {
            case .data:
                if let input = transport.input, take(input) { return }
            case .wouldBlock: return
            case .endOfStream, .truncated:
                return isReadingHead || decoder.endOfInput() == .truncated ? end(.badAnswer) : judge()
            case .failed: return end(.refused)
            }
        }
    }

    /// - Returns: whether the check is over.
    private func take(_ input: ByteBuffer) -> Bool {
        if isReadingHead {
            switch parser.parse(input.readable, into: head) {
            case .incomplete: return false
            case .refused:
                end(.badAnswer)
                return true
            case .complete(let consumed):
                input.consume(consumed)
                if head.status < 200 {
                    parser.reset(forMethod: .get)
                    return input.isEmpty ? false : take(input)
                }
                isReadingHead = false
                decoder = HTTP1BodyDecoder(.response)
                decoder.start(head.framing)
            }
        }
        if health.body == nil {
            judge()
            return true
        }
        return takeBody(input)
    }

    private func takeBody(_ input: ByteBuffer) -> Bool {
        var position = 0
        while true {
            switch decoder.next(input.readable, from: position) {
            case .data(let range):
                body.append(contentsOf: input.readable.extracting(range).array)
                position = range.upperBound
                if body.count > Self.bodyLimit {
                    judge()
                    return true
                }
            case .needMore(let consumed):
                input.consume(consumed)
                return false
            case .end:
                judge()
                return true
            case .refused:
                end(.badAnswer)
                return true
            }
        }
    }

    private func judge() {
        guard health.statuses.contains(where: { $0.contains(head.status) }) else { return end(.badStatus) }
        if let wanted = health.body, !body.contains(Array(wanted.utf8)) { return end(.badBody) }
        end(nil)
    }

    /// One check ends. - Parameter failure: nil when all was well.
    private func end(_ failure: HealthVerdicts.Failure?) {
        let status = head.status
        disconnect()
        if let failure {
            verdicts.failed(failure, status: status, now: worker.loop.now)
        } else {
            verdicts.succeeded(status: status, now: worker.loop.now)
        }
    }

    private func disconnect() {
        worker.loop.remove(self)
        transport?.close()
        transport = nil
    }
}

/// Wakes a check when its time has come.
private final class CheckTimer: EventHandler {
    let registration = Registration()
    private unowned let check: HealthCheck

    init(check: HealthCheck) {
        self.check = check
    }

    func timedOut() { check.begin() }
}
