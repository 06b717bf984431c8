import Bytes
import Engine
package import Linux

/// An app server for trying the gateway out: one thread, HTTP/1.1, a handful of endpoints (`Endpoint`).
///
/// Every answer carries `X-Served-By` with the server's name. Memory is bounded for each connection, whatever
/// is asked for and however slowly it is read. Everything runs on the thread that calls `run`.
package final class AppServer {
    package let name: AppName
    /// Where it listens; the port is the real one when 0 was asked for.
    package let address: SocketAddress

    internal let loop: EventLoop
    internal let pool = BufferPool(size: Transport.bufferSize, keep: 64)
    /// Where heads and small bodies are put together before they are sent.
    internal let headScratch = ByteBuffer(capacity: 1024)
    internal let bodyScratch = ByteBuffer(capacity: 4096)
    /// What `/bytes` is made of.
    internal let filler = Filler()
    private var acceptor: Acceptor?

    /// Takes a listening socket over and begins to accept once `run` turns.
    package init(name: AppName, listener: consuming FileDescriptor) throws(SystemError) {
        guard let address = Socket.localAddress(listener.raw) else { throw SystemError.last("getsockname") }
        self.name = name
        self.address = address
        loop = try EventLoop()
        acceptor = try Acceptor(listener, server: self)
    }

    /// Ends `run` when a signal comes.
    package func stop(on signals: consuming Signals) throws(SystemError) {
        try SignalReader.add(signals, to: loop)
    }

    /// Serves until it is stopped.
    package func run() {
        loop.run(eachTurn: {})
    }

    /// Serves what is there to be served, waiting for it at most so many milliseconds.
    package func turn(waitingAtMost milliseconds: UInt64) {
        loop.turn(waitingAtMost: milliseconds)
    }

    /// Bytes held for all clients at this moment: what came and was not used, and what was not yet taken.
    package var bufferedBytes: Int {
        var count = 0
        loop.forEachHandler { count += ($0 as? Connection)?.bufferedBytes ?? 0 }
        return count
    }

    /// Connections that are open.
    package var connections: Int {
        var count = 0
        loop.forEachHandler { if $0 is Connection { count += 1 } }
        return count
    }
}

/// Stops a loop when a signal comes.
private final class SignalReader: EventHandler {
    let registration = Registration()
    private let signals: Signals
    private unowned let loop: EventLoop

    private init(_ signals: consuming Signals, loop: EventLoop) {
        self.signals = signals
        self.loop = loop
    }

    static func add(_ signals: consuming Signals, to loop: EventLoop) throws(SystemError) {
        let reader = SignalReader(signals, loop: loop)
        try loop.add(reader, descriptor: reader.signals.raw, interest: [.readable])
    }

    func ready(_ events: Epoll.Events) {
        if signals.next() != nil { loop.stop() }
    }
}
