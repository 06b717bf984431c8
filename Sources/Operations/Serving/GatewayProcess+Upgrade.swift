import Certificates
import Control
import Glibc
import Linux
import Site

/// Another version of the program takes over in this process.
extension GatewayProcess {
    /// Executes the program's file as it is now. Returns only when that did not come about, and then all is as before;
    /// else the new program answers `connection`.
    internal func upgrade(connection: Int32?) -> AdminReply {
        do {
            guard !options.endsTogether else {
                throw ServeFailure("the demonstration is not upgraded: stop it and start it again")
            }
            // What is wrong with the file is told by the rehearsal.
            if let site = SiteFile.load(path: options.path).model,
                let name = configuration.lost(atStartOf: site, at: Schedule.time).first
            {
                throw ServeFailure(
                    "certificate \(name): what is shown, such as what came from files that the site file names no more, would not be "
                        + "found by the new program, and its ACME server has given none: wait for that (`gatehouse certs list`), or "
                        + "bring it into the store, `gatehouse certs import \(name) --certificate FILE --key FILE`",
                    exit: 1
                )
            }
            // The new program would know of no newer one.
            do throws(CertificateProblem) {
                try SiteWishes.ofGateway.requireNewest(CertificateStore(folder: view.value.certificateStore))
            } catch {
                throw ServeFailure("\(error)", exit: 1)
            }
            guard !orders.isOrdering else {
                throw ServeFailure(
                    "a certificate is being ordered, as `gatehouse certs list` shows: try again when that has ended; what cannot "
                        + "wait for a slow CA is put in by a restart",
                    exit: 1
                )
            }
            if let name = deployments.hold() {
                throw ServeFailure(
                    "the program of `deploy` for certificate \(name) is running: try again when it has ended, which it does within "
                        + "its `timeout`",
                    exit: 1
                )
            }
            defer { deployments.goOn() }
            if let refusedFiles { throw ServeFailure(refusedFiles, exit: 1) }
            guard let program else {
                throw ServeFailure("the kernel does not tell where this program's file is", exit: 3)
            }
            let own = (listeners.addresses + outlets.addresses).map(\.description).joined(separator: ",")
            let said = try Handover.rehearse(
                [program] + CommandLine.arguments.dropFirst() + ["--rehearse", own],
                environment: Environment.all
            )
            if !said.isEmpty { StandardError.log(said) }
            Self.log("upgrading to \(program)")
            try handOver(to: program, connection)
            throw ServeFailure("it could not be executed")
        } catch {
            Self.log("not upgraded, the running version goes on: \(error)")
            tellFailure("not upgraded, the running version goes on", error)
            return .error("\(error)", exit: Self.exitStatus(of: error))
        }
    }

    /// Returns by throwing alone, with everything in place again, or about to be (`startAgain`).
    private func handOver(to program: String, _ connection: Int32?) throws {
        let standing = try supervisor.handOver()
        // Who connects to them meanwhile waits for the next program.
        let sockets = (try? [admin?.segment(), outlets.segment()].compactMap(\.self)) ?? []
        // A line that the writer has taken out of its ring would be lost with it.
        outlets.close()
        names.pause()
        var failure: any Error
        do {
            let reply = try connection.map { raw in
                ListeningSocket(owning: try InheritedDescriptor.duplicate(raw))
            }
            failure = Handover(
                listeners: listeners,
                segments: settings.segments + sockets,
                dataPlane: standing,
                sessionKeys: try tickets.sealed(),
                handSettings: HandSettings(slots, view.value.state),
                reply: reply
            ).execute(program: program, arguments: CommandLine.arguments, environment: Environment.all)
        } catch {
            failure = error
        }
        names.resume()
        outlets.inherited = sockets
        try? outlets.adopt(configuration.gateway, besides: listeners.addresses)
        supervisor = try Self.supervise(settings, standing, view, services)
        // A data plane of its own, which it watches: of the one that stood it has no heartbeats any more.
        isServing = false
        do {
            try put(configuration, slots)
        } catch {
            putOffStart(error)
        }
        throw failure
    }
}
