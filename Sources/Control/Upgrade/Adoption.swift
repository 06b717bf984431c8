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
    /// Call it at start, before `segment(at:)`, and only while holding the admin socket: a data plane whose
    /// control lives does not answer.
    /// - Returns: nil when there is none.
    package static func take(
        at path: String,
        socketsPerAddress: Int,
        within milliseconds: Int32 = 2_000
    ) throws(ChannelError) -> Handover? {
        guard let connection = try? UnixSocket.connectForMessages(to: path) else { return nil }
        let channel = ControlChannel(owning: MessageSocket(owning: connection))
        guard let first = try channel.receive(within: milliseconds) else { return nil }
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
                    return Handover(
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
                } catch {
                    throw .system(error)
                }
            default: throw .malformed("\(message)")
            }
        }
    }
}
