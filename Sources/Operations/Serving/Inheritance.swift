import Control
import Linux
import OpenSSL

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
    /// The keys of the session tickets that it gives out: sessions are resumed whoever serves.
    private(set) var tickets: TicketKeys?
    /// What operators set by hand.
    private(set) var handSettings: HandSettings?
    /// Who waits to hear how an upgrade went.
    private(set) var reply: ListeningSocket?

    /// What the program before this one left in this process.
    ///
    /// - Parameter socketsPerAddress: for listeners that are bound anew.
    init(socketsPerAddress: Int) {
        listeners = ListenerSet(socketsPerAddress: socketsPerAddress)
        do {
            if let left = try Handover.take(environment: Environment.values([Handover.variable])) { take(left) }
        } catch {
            // Its data plane must learn that this process does not know it: then it can be adopted.
            InheritedDescriptor.closeAll()
            StandardError.log("gatehouse: what the version before this one left cannot be read: \(error)\n")
        }
    }

    /// Adds what others hold: a data plane without control, and the service manager. Call it once, while holding the
    /// admin socket.
    ///
    /// - Parameter adoptionPath: where a data plane without control waits; nil when there can be none.
    mutating func complete(adoptionPath: String?) {
        do {
            if dataPlane == nil, let adoptionPath,
                let found = try Adoption.take(at: adoptionPath, socketsPerAddress: listeners.socketsPerAddress)
            {
                take(found)
            }
        } catch {
            StandardError.log(
                "gatehouse: a data plane without a control plane serves, but cannot be taken over; ports are bound"
                    + " beside it, end it by hand: \(error)\n"
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
        handSettings = handover.handSettings
        do {
            snapshot = try dataPlane.map { try GatewaySnapshot(encoded: $0.plan) }
        } catch {
            StandardError.log("gatehouse: the running configuration is in the form of another version: \(error)\n")
        }
        if let keys = handover.sessionKeys {
            tickets = GatewayKeys.tickets(keys)
            keys.wipe()
        }
    }

    /// Where the program before this one answered: a site that has another name by now does not move it.
    var adminPath: String? { segments.lazy.compactMap { AdminSocket.path(ofSegment: $0.name) }.first }

    func segment(_ name: String) -> SharedSegment? { segments.first { $0.name == name } }
}
