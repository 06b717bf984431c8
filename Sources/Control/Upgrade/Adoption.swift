import Glibc
package import Linux

/// Taking over a data plane whose control process has died.
package enum Adoption {
    /// Makes the socket where a data plane waits for the next control process, as a segment to start it with.
    ///
    /// - Parameter path: in a folder of the user who runs the gateway; made with mode 0600.
    ///
    /// Call it only while holding the admin socket: what listens there already is a data plane that drains.
    package static func segment(at path: String) throws(SystemError) -> SharedSegment {
        UnixSocket.remove(path)
        return SharedSegment(
            name: DataPlaneConvention.adoptionSegment,
            owning: try UnixSocket.listenForMessages(at: path)
        )
    }

    /// Asks at `path` for a data plane without control, and takes its sockets and shared memory, the socket
    /// at `path` among them, and the keys of its session tickets: give all to the next data plane, and make only
    /// what is missing.
    ///
    /// Where control died in the middle of an upgrade there are two that serve: the newer one is taken over, and the
    /// other drains. Those that drain already are taken over as such.
    ///
    /// Call it at start, before `segment(at:)`, and only while holding the admin socket: a data plane whose
    /// control lives does not answer.
    /// - Returns: nil when there is none that serves.
    package static func take(
        at path: String,
        socketsPerAddress: Int,
        within milliseconds: Int32 = 2_000
    ) throws(ChannelError) -> Handover? {
        var serving: Handover?
        var draining: [StandingDataPlane.Draining] = []
        var patience = milliseconds
        var failure: ChannelError?
        // As many as there can be, and one that is not there.
        for _ in 0...SupervisorSettings.berths {
            do throws(ChannelError) {
                guard let answer = try ask(at: path, socketsPerAddress, within: patience) else { break }
                patience = timeForAnother
                switch answer {
                case .leaves(let left): draining.append(left)
                case .serves(let found):
                    guard let before = serving else {
                        serving = found
                        continue
                    }
                    let isNewer = found.generation > before.generation
                    serving = isNewer ? found : before
                    if let left = drain(isNewer ? before : found) { draining.append(left) }
                }
            } catch {
                // One that ends as it is asked takes none of the others with it.
                failure = error
            }
        }
        if serving == nil, let failure { throw failure }
        return serving?.besides(draining)
    }

    private enum Answer {
        case serves(Handover)
        case leaves(StandingDataPlane.Draining)
    }

    /// Milliseconds within which another data plane answers: it waits for nothing else.
    private static let timeForAnother: Int32 = 500
    /// Milliseconds for the drain of one that is told to by a control that does not know the site file yet.
    private static let drainTime = 30_000

    private static func drain(_ other: Handover) -> StandingDataPlane.Draining? {
        guard let left = other.dataPlane, let descriptor = try? left.channel.duplicate() else { return nil }
        let channel = ControlChannel(owning: MessageSocket(owning: descriptor))
        guard (try? channel.send(.drain(milliseconds: drainTime))) != nil else { return nil }
        let deadline = Clock.monotonicNanoseconds / 1_000_000 + UInt64(drainTime) + 1_000
        return StandingDataPlane.Draining(
            process: left.process,
            berth: left.berth,
            deadline: deadline,
            channel: left.channel
        )
    }

    private static func ask(
        at path: String,
        _ socketsPerAddress: Int,
        within milliseconds: Int32
    ) throws(ChannelError) -> Answer? {
        guard let connection = try? UnixSocket.connectForMessages(to: path) else { return nil }
        let channel = ControlChannel(owning: MessageSocket(owning: connection))
        guard let first = try channel.receive(within: milliseconds) else { return nil }
        if case .leaving(let process, let berth) = first.message {
            do throws(SystemError) {
                let kept = ListeningSocket(owning: try channel.duplicateDescriptor())
                return .leaves(.init(process: process, berth: berth, deadline: .max, channel: kept))
            } catch {
                throw .system(error)
            }
        }
        guard case .standing(let process, let generation, let berth, let names, let keyBytes) = first.message,
            (0...DataPlaneConvention.mostKeyBytes).contains(keyBytes)
        else {
            throw .malformed("not what a data plane without control says")
        }
        var groups: [ListenerID: ListenerSet.Group] = [:]
        var segments: [SharedSegment] = []
        var plan: [UInt8] = []
        let keys: SecretBytes
        do throws(SystemError) { keys = try SecretBytes(count: keyBytes) } catch { throw .system(error) }
        while true {
            guard let next = try channel.receive(within: milliseconds, keys: keys) else { throw .stalled }
            let message = next.message
            switch message {
            case .segment(let name):
                var descriptors = next.takeDescriptors()
                guard let descriptor = descriptors.takeFirst() else { throw .malformed("a segment without descriptor") }
                segments.append(SharedSegment(name: name, owning: descriptor))
            case .plan:
                var descriptors = next.takeDescriptors()
                guard let memory = descriptors.takeFirst() else { throw .malformed("a plan without memory") }
                do throws(SystemError) {
                    plan = try SealedMemory.read(memory.raw, limit: DataPlaneConvention.largestPlan)
                } catch {
                    throw .system(error)
                }
            case .listener(let id): groups[id] = next.takeDescriptors().takeAll()
            case .standingEnd:
                do throws(SystemError) {
                    let handover = Handover(
                        listeners: ListenerSet(socketsPerAddress: socketsPerAddress, groups: groups),
                        segments: segments,
                        dataPlane: StandingDataPlane(
                            process: process,
                            generation: generation,
                            berth: berth,
                            plan: plan,
                            channel: ListeningSocket(owning: try channel.duplicateDescriptor()),
                            listeners: names
                        ),
                        sessionKeys: keyBytes > 0 ? keys : nil
                    )
                    return .serves(handover)
                } catch {
                    throw .system(error)
                }
            default: throw .malformed("\(message)")
            }
        }
    }
}

extension Handover {
    fileprivate var generation: UInt64 { dataPlane?.generation ?? 0 }

    /// The same, with data planes that drain beside it.
    fileprivate func besides(_ draining: [StandingDataPlane.Draining]) -> Handover {
        guard let dataPlane, !draining.isEmpty else { return self }
        return Handover(
            listeners: listeners,
            segments: segments,
            dataPlane: StandingDataPlane(
                process: dataPlane.process,
                generation: dataPlane.generation,
                berth: dataPlane.berth,
                plan: dataPlane.plan,
                channel: dataPlane.channel,
                listeners: dataPlane.listeners,
                draining: draining
            ),
            sessionKeys: sessionKeys
        )
    }
}
