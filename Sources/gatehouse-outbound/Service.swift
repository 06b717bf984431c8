import Glibc
import Linux
import Outbound

/// The helper's work: answers control's questions until control is gone.
final class Service {
    private let channel: OutboundChannel
    private let resolver: Resolver
    private let fetcher: Fetcher?
    /// What control has not taken yet, in order.
    private var outgoing: [OutboundMessage] = []

    /// - Parameter fetcher: nil for a helper that makes no requests.
    init(channel: OutboundChannel, resolver: Resolver, fetcher: Fetcher?) {
        self.channel = channel
        self.resolver = resolver
        self.fetcher = fetcher
    }

    /// - Throws: `closed` when control is gone, which is how it ends.
    func run(sandbox: Sandbox.Report) throws {
        try channel.send(.hello(process: getpid(), sandbox: sandbox))
        while true {
            let control = Readiness.Interest(channel.raw, reads: true, writes: !outgoing.isEmpty)
            let ready = Readiness.wait(for: [control] + resolver.interests, milliseconds: resolver.pause)
            resolver.process(ready.filter { $0.raw != channel.raw })
            if let control = ready.first(where: { $0.raw == channel.raw }), control.reads {
                while let message = try channel.receive() { try obey(message) }
            }
            try flush()
        }
    }

    private func obey(_ message: OutboundMessage) throws {
        switch message {
        case .nameServers(let list): try resolver.setServers(list)
        case .resolve(let number, let name): resolve(name) { self.outgoing.append(.resolved(number: number, $0)) }
        case .restrictions(let number, let name):
            resolver.askRestrictions(name) { self.outgoing.append(.restricted(number: number, $0)) }
        case .fetch(let number, let request):
            let answer = fetcher?.fetch(request) ?? .failed("the helper was started without authorities")
            outgoing.append(.fetched(number: number, answer))
        case .hello, .resolved, .restricted, .fetched: throw ChannelError.malformed("\(message)")
        }
    }

    private func resolve(_ name: String, _ done: @escaping (NameAnswer) -> Void) {
        var v4: NameAnswer.Records?
        var v6: NameAnswer.Records?
        func tell() {
            if let v4, let v6 { done(NameAnswer(v4: v4, v6: v6)) }
        }
        resolver.ask(name, .a) {
            v4 = $0
            tell()
        }
        resolver.ask(name, .aaaa) {
            v6 = $0
            tell()
        }
    }

    private func flush() throws(ChannelError) {
        while let message = outgoing.first {
            do throws(ChannelError) {
                try channel.send(message)
                outgoing.removeFirst()
            } catch .stalled {
                return
            }
        }
    }
}
