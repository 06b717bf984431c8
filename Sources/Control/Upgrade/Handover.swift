import Glibc
package import Linux
import Snapshot

/// What one version of the control plane leaves to the next in the same process: the listening sockets,
/// shared memory, and the data plane that goes on serving meanwhile. See decision 020.
package struct Handover: Sendable {
    /// The environment variable that tells the new program the number of the state's descriptor.
    package static let variable = "GATEHOUSE_HANDOVER"

    package let listeners: ListenerSet
    package let segments: [SharedSegment]
    package let dataPlane: StandingDataPlane?
    /// Keys that must outlive this program, those of session tickets, in the form in which the data plane gets them;
    /// nil when there are none. Whoever takes them wipes them.
    package let sessionKeys: SecretBytes?
    /// What was set by hand, in case the new program cannot go on with the memory; nil from a data plane, which does
    /// not know it.
    package let handSettings: HandSettings?
    /// The connection of the operator who waits to hear how the upgrade went; nil when nobody does.
    package let reply: ListeningSocket?

    package init(
        listeners: ListenerSet,
        segments: [SharedSegment],
        dataPlane: StandingDataPlane?,
        sessionKeys: SecretBytes? = nil,
        handSettings: HandSettings? = nil,
        reply: ListeningSocket? = nil
    ) {
        self.listeners = listeners
        self.segments = segments
        self.dataPlane = dataPlane
        self.sessionKeys = sessionKeys
        self.handSettings = handSettings
        self.reply = reply
    }

    /// The form of it in memory. Numbers are descriptors, which stay what they are.
    private struct State: Codable {
        struct Group: Codable {
            let id: ListenerID
            let sockets: [Int32]
        }
        struct Segment: Codable {
            let name: String
            let descriptor: Int32
        }
        struct DataPlane: Codable {
            let process: Int32
            let generation: UInt64
            let berth: Int
            let plan: [UInt8]
            let channel: Int32
            let listeners: [ListenerID]
            let draining: [Draining]
        }
        struct Draining: Codable {
            let process: Int32
            let berth: Int
            let deadline: UInt64
            let channel: Int32
        }
        /// The end of a socket pair in which the keys wait: sealed memory could not be wiped.
        struct Keys: Codable {
            let channel: Int32
            let count: Int
        }

        let socketsPerAddress: Int
        let groups: [Group]
        let segments: [Segment]
        let dataPlane: DataPlane?
        let keys: Keys?
        let handSettings: HandSettings?
        let reply: Int32?
    }

    /// What a program ends with that has rehearsed its start and could take over. One that is no gatehouse does not.
    package static let readyStatus: Int32 = 85

    /// Has the new program rehearse its start before it takes over.
    ///
    /// - Parameter command: the program's path and its arguments.
    /// - Returns: what it said.
    /// - Throws: `UpgradeRefusal` when it does not end with `readyStatus` in time; SystemError when it cannot be started.
    package static func rehearse(
        _ command: [String],
        environment: [String],
        within milliseconds: UInt64 = 30_000
    ) throws -> String {
        let run = try ProgramRun.run(command, environment: environment, milliseconds: milliseconds, keeping: 16_384)
        let said = String(decoding: run.output, as: UTF8.self)
        if run.end == .ended(.exited(readyStatus)) { return said }
        throw UpgradeRefusal(program: command.first ?? "", end: run.end, said: said)
    }

    /// Replaces this program by `program`, in this process. Returns only when that failed, and then
    /// everything is as before.
    ///
    /// - Parameter environment: each as `NAME=value`; the variable is added, and what told this program of
    ///   inherited descriptors is left out, since their numbers are used for others by now.
    package func execute(program: String, arguments: [String], environment: [String]) -> any Error {
        let stale = ["\(Self.variable)=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES="]
        do {
            let waiting = try sessionKeys.map { try Self.send($0) }
            let state = state(keys: waiting.map { State.Keys(channel: $0.raw, count: sessionKeys?.count ?? 0) })
            let memory = try SealedMemory.create(name: "gatehouse-handover", SnapshotCodec.encode(state))
            let kept =
                state.groups.flatMap(\.sockets) + state.segments.map(\.descriptor)
                + (state.dataPlane?.draining.map(\.channel) ?? [])
                + [state.dataPlane?.channel, state.keys?.channel, state.reply].compactMap(\.self)
            defer { for number in kept { try? InheritedDescriptor.keep(number, false) } }
            for number in kept + [memory.raw] { try InheritedDescriptor.keep(number, true) }
            return withExtendedLifetime(waiting) {
                ProcessStart.replace(
                    program: program,
                    arguments: arguments,
                    environment: environment.filter { entry in !stale.contains { entry.hasPrefix($0) } }
                        + ["\(Self.variable)=\(memory.raw)"]
                )
            }
        } catch {
            return error
        }
    }

    private func state(keys: State.Keys?) -> State {
        State(
            socketsPerAddress: listeners.socketsPerAddress,
            groups: listeners.groups.sorted { $0.key < $1.key }.map { .init(id: $0.key, sockets: $0.value.map(\.raw)) },
            segments: segments.map { .init(name: $0.name, descriptor: $0.raw) },
            dataPlane: dataPlane.map {
                .init(
                    process: $0.process,
                    generation: $0.generation,
                    berth: $0.berth,
                    plan: $0.plan,
                    channel: $0.channel.raw,
                    listeners: $0.listeners,
                    draining: $0.draining.map {
                        .init(process: $0.process, berth: $0.berth, deadline: $0.deadline, channel: $0.channel.raw)
                    }
                )
            },
            keys: keys,
            handSettings: handSettings,
            reply: reply?.raw
        )
    }

    /// Puts keys where the next program finds them; the end to keep open. All of them fit into a socket's buffer.
    private static func send(_ keys: SecretBytes) throws -> ListeningSocket {
        let pair = try MessageSocket.pair()
        let kept = ListeningSocket(owning: try pair.theirs.duplicate())
        let channel = ControlChannel(owning: pair.takeOurs(), patience: 0)
        try channel.send(keys: keys)
        try channel.send(.standingEnd)
        return kept
    }

    private static func receive(_ left: State.Keys) throws -> SecretBytes {
        let channel = ControlChannel(owning: MessageSocket(owning: try InheritedDescriptor.take(left.channel)))
        guard (0...DataPlaneConvention.mostKeyBytes).contains(left.count) else {
            throw SnapshotError.invalid("\(left.count) bytes of keys")
        }
        let keys = try SecretBytes(count: left.count)
        guard try channel.receive(within: 0, keys: keys)?.message == .standingEnd else {
            throw SnapshotError.invalid("keys that do not end")
        }
        return keys
    }

    /// What the program before this one left; nil when there was none. Call it once, first of all.
    ///
    /// - Throws: when what was left cannot be read: then the sockets are lost and are bound anew.
    package static func take(environment: [String: String]) throws -> Handover? {
        guard let number = environment[variable].flatMap({ Int32($0) }) else { return nil }
        let memory = try InheritedDescriptor.take(number)
        let state = try SnapshotCodec.decode(
            State.self,
            from: SealedMemory.read(memory.raw, limit: DataPlaneConvention.largestPlan + 16 << 20)
        )
        guard (1...MessageSocket.mostDescriptors).contains(state.socketsPerAddress) else {
            throw SnapshotError.invalid("\(state.socketsPerAddress) sockets an address")
        }
        var groups: [ListenerID: ListenerSet.Group] = [:]
        for group in state.groups {
            groups[group.id] = try group.sockets.map { ListeningSocket(owning: try InheritedDescriptor.take($0)) }
        }
        var segments: [SharedSegment] = []
        for segment in state.segments {
            segments.append(
                SharedSegment(name: segment.name, owning: try InheritedDescriptor.take(segment.descriptor))
            )
        }
        var dataPlane: StandingDataPlane?
        if let left = state.dataPlane {
            dataPlane = StandingDataPlane(
                process: left.process,
                generation: left.generation,
                berth: left.berth,
                plan: left.plan,
                channel: ListeningSocket(owning: try InheritedDescriptor.take(left.channel)),
                listeners: left.listeners,
                draining: try left.draining.map {
                    StandingDataPlane.Draining(
                        process: $0.process,
                        berth: $0.berth,
                        deadline: $0.deadline,
                        channel: ListeningSocket(owning: try InheritedDescriptor.take($0.channel))
                    )
                }
            )
        }
        return Handover(
            listeners: ListenerSet(socketsPerAddress: state.socketsPerAddress, groups: groups),
            segments: segments,
            dataPlane: dataPlane,
            sessionKeys: try state.keys.map { try receive($0) },
            handSettings: state.handSettings,
            reply: try state.reply.map { ListeningSocket(owning: try InheritedDescriptor.take($0)) }
        )
    }
}

/// Why a new program does not take over.
package struct UpgradeRefusal: Error, Equatable, CustomStringConvertible {
    package let program: String
    package let end: ProgramRun.End
    package let said: String

    package init(program: String, end: ProgramRun.End, said: String) {
        self.program = program
        self.end = end
        self.said = said
    }

    /// What the command ends with: what the rehearsal did, or 3 for a program that did none.
    package var exitStatus: Int32 {
        if case .ended(.exited(let status)) = end, (1...3).contains(status) { return status }
        return 3
    }

    package var description: String {
        let how =
            switch end {
            case .ended(.exited(0)): "it is no gatehouse: it ended with status 0 when asked to rehearse its start"
            case .ended(let end): "it could not start here: it \(end)"
            case .late: "it did not rehearse its start in time"
            }
        let reason = said.trimmingSuffix { $0.isNewline }
        return "\(program) is not upgraded to: \(how); the running version goes on"
            + (reason.isEmpty ? "" : "; it said:\n\(reason)")
    }
}

extension String {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return rest
    }
}
