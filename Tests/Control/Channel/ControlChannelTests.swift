import Control
import Glibc
import Linux
import Testing

@Suite("The channel between control and data plane")
struct ControlChannelTests {
    private func pair() throws -> (ControlChannel, ControlChannel) {
        let pair = try MessageSocket.pair()
        let theirs = ControlChannel(owning: MessageSocket(owning: try pair.theirs.duplicate()), patience: 50)
        return (ControlChannel(owning: pair.takeOurs(), patience: 50), theirs)
    }

    @Test("messages arrive as they were sent, with their descriptors")
    func messages() throws {
        let (control, data) = try pair()
        let report = Sandbox.Report(user: 1, landlockVersion: 2, hasSystemCallFilter: true, lacks: ["a", "b"])
        let memory = try SealedMemory.create(name: "test", [4, 5])
        let messages: [ControlMessage] = [
            .begin(generation: 7, listeners: [ListenerID(SocketAddress(ipv4: 0, port: 443))], keyBytes: 3),
            .hello(process: 12, sandbox: report), .drain(milliseconds: 5), .stop, .drained,
            .berth(2), .failed(generation: 7, reason: "no\nway"),
        ]
        for message in messages {
            try control.send(message, descriptors: [memory.raw])
            guard let incoming = try data.receive(within: 1000) else {
                Issue.record("nothing came")
                return
            }
            let received = incoming.message
            var descriptors = incoming.takeDescriptors()
            #expect(received == message)
            guard let descriptor = descriptors.takeFirst() else {
                Issue.record("no descriptor came")
                return
            }
            #expect(try SealedMemory.read(descriptor.raw, limit: 2) == [4, 5])
        }
        let nothing = try data.receive(within: 0) == nil
        #expect(nothing)
    }

    @Test("keys arrive whole in the memory made for them", arguments: [1, 5, 32 << 10, 200_001])
    func keys(size: Int) throws {
        let (control, data) = try pair()
        let secret = try SecretBytes(count: size)
        for index in 0..<size { secret.set(index, UInt8(truncatingIfNeeded: index &* 7 &+ index >> 8)) }
        let sender = try Thread.start(name: "keys") { [control = Unshared(control)] in
            try? control.value.send(keys: secret)
            try? control.value.send(.commit(generation: 1))
        }
        let received = try SecretBytes(count: size)
        let message = try data.receive(within: 5_000, keys: received)?.message
        sender.join()
        #expect(message == .commit(generation: 1))
        for index in 0..<size where received.bytes[index] != secret.bytes[index] {
            Issue.record("byte \(index) differs")
            break
        }
    }

    @Test("keys that were not announced, or more than announced, are malformed")
    func unannounced() throws {
        let (control, data) = try pair()
        try control.send(keys: SecretBytes(count: 10))
        #expect(throws: ChannelError.malformed("keys that were not announced")) { _ = try data.receive(within: 100) }
        try control.send(keys: SecretBytes(count: 10))
        let small = try SecretBytes(count: 9)
        #expect(throws: ChannelError.malformed("keys that were not announced")) {
            _ = try data.receive(within: 100, keys: small)
        }
    }

    @Test("bytes of another kind are malformed, a closed peer is told, one that takes nothing is told")
    func wrong() throws {
        let pair = try MessageSocket.pair()
        let data = ControlChannel(owning: MessageSocket(owning: try pair.theirs.duplicate()))
        let control = ControlChannel(owning: pair.takeOurs(), patience: 10)
        #expect(throws: ChannelError.stalled) {
            for _ in 0..<100_000 { try control.send(.drained) }
        }
        while let incoming = try data.receive(within: 0) {
            let message = incoming.message
            #expect(message == .drained)
        }
        let (other, gone) = try self.pair()
        _ = consume gone
        #expect(throws: ChannelError.closed) { try other.send(.stop) }
    }
}

/// A value that a test hands to one other thread and does not touch meanwhile.
struct Unshared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
