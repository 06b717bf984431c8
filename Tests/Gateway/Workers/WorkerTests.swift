import Engine
import Glibc
import Linux
import Testing

@testable import Gateway

@Suite("A worker")
struct WorkerTests {
    private func state() throws -> SharedState {
        let layout = SharedState.Layout(workers: 1, pools: 1, servers: 1)
        return SharedState(region: try SharedMapping(name: "test", words: layout.words), layout: layout)
    }

    private func publication(_ generation: UInt64) -> Publication {
        var plan = Plan()
        plan.generation = generation
        return Publication(plan: plan, certificates: [:], tickets: nil, sockets: [:])
    }

    private func worker(_ state: SharedState) throws -> Worker {
        try Worker(index: 0, of: 1, publication(1), state: state, addresses: AddressCounts(), log: nil)
    }

    @Test("lets go of a configuration with the requests that began under it, though it uses their exchanges again")
    func configurations() throws {
        let worker = try worker(state())
        let mailbox = try Mailbox<WorkerMessage>()
        try worker.listen(to: mailbox)
        let answered = try Client(of: worker)
        let underWay = try Client(of: worker)
        answered.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        underWay.send("GET / HTTP/1.1\r\nHost")
        let receipts = Receipts(from: 1, try Receipts.Bell())
        var steps: [() -> Bool] = [
            { answered.hears("404") },
            {
                mailbox.post(.publish(publication(2), receipts))
                return true
            },
            { receipts.isComplete },
            {
                underWay.send(": a\r\n\r\n")
                return true
            },
            { underWay.hears("404") },
        ]
        weak let first = worker.runtime
        var isLetGo = false
        let probe = Probe {
            if let step = steps.first {
                if step() { steps.removeFirst() }
                return true
            }
            isLetGo = first == nil
            return !isLetGo
        }
        try probe.start(on: worker.loop)
        worker.run()
        #expect(steps.isEmpty, "\(steps.count) steps were not reached")
        #expect(isLetGo, "the first configuration is held on to")
    }

    @Test("goes on counting where the worker before it in its place left off")
    func counts() throws {
        let state = try state()
        let first = state.index(worker: 0, .heartbeat)
        for glitch in 0..<GlitchCounter.names.count {
            state.region.store(first + GlitchCounter.seen(glitch), UInt64(1000 + glitch))
            state.region.store(first + GlitchCounter.closures(glitch), UInt64(100 + glitch))
        }
        state.region.store(state.index(worker: 0, .buffersMade), 50)
        let worker = try worker(state)
        let mailbox = try Mailbox<WorkerMessage>()
        try worker.listen(to: mailbox)
        mailbox.post(.stop)
        worker.run()
        for glitch in 0..<GlitchCounter.names.count {
            #expect(state.region.load(first + GlitchCounter.seen(glitch)) == UInt64(1000 + glitch))
            #expect(state.region.load(first + GlitchCounter.closures(glitch)) == UInt64(100 + glitch))
        }
        #expect(state.region.load(state.index(worker: 0, .buffersMade)) >= 50)
    }
}

/// Looks in at each millisecond of a worker's loop, and stops the loop when it need not any more, or after a minute.
private final class Probe: EventHandler {
    let registration = Registration()
    private let look: () -> Bool
    private var loop: EventLoop?
    private var begun: UInt64 = 0

    /// - Parameter look: whether to look in again.
    init(look: @escaping () -> Bool) {
        self.look = look
    }

    func start(on loop: EventLoop) throws {
        self.loop = loop
        begun = loop.now
        try loop.add(self)
        loop.setDeadline(registration, after: 1)
    }

    func timedOut() {
        guard let loop else { return }
        if look() && loop.now < begun + 60_000 {
            loop.setDeadline(registration, after: 1)
        } else {
            loop.stop()
        }
    }
}

/// The far end of a connection that a worker has let in.
private final class Client {
    private let descriptor: Int32
    private var heard = ""

    init(of worker: Worker) throws {
        var pair: [Int32] = [-1, -1]
        // Sound: socketpair fills both places of the array.
        let made = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0, &pair)
        try #require(made == 0)
        descriptor = pair[0]
        let peer = try #require(SocketAddress("127.0.0.1", port: 1))
        ClientConnection.start(
            FileDescriptor(owning: pair[1]),
            peer: peer,
            listener: ListenerPlan(id: 1, port: 80),
            worker: worker
        )
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe write(descriptor, bytes, bytes.count)
    }

    /// Whether `text` has come by now.
    func hears(_ text: String) -> Bool {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(descriptor, &room, room.count)
        if count > 0 { heard += String(decoding: room.prefix(count), as: UTF8.self) }
        return heard.contains(text)
    }
}
