import Control
import Linux

/// What was there before this control process: the program before it in the same process (`Handover`), a data plane
/// whose control died (`Adoption`), and the service manager.
internal struct Inheritance {
    /// Listening sockets; those that the site file does not name are let go of.
    var listeners: ListenerSet
    /// Shared memory, and the socket where a data plane waits that lost its control.
    private(set) var segments: [SharedSegment] = []
    private(set) var dataPlane: StandingDataPlane?
    /// What that data plane serves; nil when there is none, or when it is of a version that says it otherwise.
    private(set) var snapshot: GatewaySnapshot?
    /// Who waits to hear how an upgrade went.
    private(set) var reply: ListeningSocket?

    /// - Parameters:
    ///   - adoptionPath: where a data plane without control waits; nil when there can be none.
    ///   - socketsPerAddress: for listeners that are bound anew.
    init(adoptionPath: String?, socketsPerAddress: Int) {
        listeners = ListenerSet(socketsPerAddress: socketsPerAddress)
        do {
            let left = try Handover.take(environment: Environment.values([Handover.variable]))
            if let left {
                take(left)
            } else if let adoptionPath,
                let found = try Adoption.take(at: adoptionPath, socketsPerAddress: socketsPerAddress)
            {
                take(found)
            }
        } catch {
            StandardError.write(
                "gatehouse: what the control plane before this one left cannot be taken over, ports are bound anew:"
                    + " \(error)\n"
            )
        }
        let names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
        listeners.adopt(
            InheritedDescriptors.take(environment: Environment.values(names)).map {
                Socket.setNonBlocking($0.descriptor)
                return ListeningSocket(owning: FileDescriptor(owning: $0.descriptor))
            }
        )
    }

    private mutating func take(_ handover: Handover) {
        listeners = ListenerSet(
            socketsPerAddress: listeners.socketsPerAddress,
            groups: handover.listeners.groups
        )
        segments = handover.segments
        dataPlane = handover.dataPlane
        reply = handover.reply
        snapshot = dataPlane.flatMap { try? GatewaySnapshot(encoded: $0.plan) }
    }

    func segment(_ name: String) -> SharedSegment? { segments.first { $0.name == name } }
}
