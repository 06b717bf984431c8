import ArgumentParser
import Certificates
import Control
import OpenSSL
import Site

extension Certs {
    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retire",
            abstract: "Delete the keys of every generation of a certificate but the current one.",
            discussion: """
                Says whether the running gateway has let go of them, how many connections that began with them are \
                still open, and when the last one ended. With --revoke their CA takes them back first, the internal one by \
                its list; nothing is deleted when that fails. Their certificates stay in the store until they end, so that \
                they can be revoked later, too.

                While a canary runs, nothing is retired but with --compromised, which ends it. Exit status: 3 when a gateway \
                runs and does not answer; what is on the disk is done all the same.

                No key goes of what this site's gateway shows for another certificate, which has none of its own yet; \
                --compromised ends that, too. Of a certificate that the site file does not name all keys go, the current one's, too, \
                unless the gateway serves it: of sites that share the store, this site's alone is asked.
                """
        )

        @OptionGroup var change: CertificateChangeOptions
        @Flag(help: "A key was stolen: also seal session tickets with fresh keys, and open none of those before.")
        var compromised = false
        @Option(help: "Have their CA revoke them, and tell it why.") var revoke: RevocationReason?
        @Option(help: "This generation alone; `certs audit` tells their numbers.") var generation: Int?

        func run() throws {
            let name = change.name
            let desk = try change.options.changingDesk()
            guard let settings = desk.named(name) else { return try retireUnnamed(desk) }
            var gateway = SideQuestions(desk)
            // One that does not answer keeps no key from going.
            let status = gateway.ask(.status)
            let isServing = status != nil || gateway.isSilent
            let served = status?["certificates"]?.items ?? []
            let doomed = desk.provider.generationsToRetire(of: name, only: generation)
            let current = desk.provider.standing(settings).leaves.map(\.fingerprint)
            // Others show it, it may be, for names that nothing in use has; also what a try before this one has deleted.
            let old = desk.provider.fingerprints(of: name, generations: doomed.map { $0.number })
                .filter { !current.contains($0) }
            let borrowers = Self.borrowers(of: old, in: served)
            // What others see of one on trial ends with that, which keeps the keys, too.
            let isTried = (status?["certificate_trials"]?.items ?? []).contains { $0["name"]?.text == name }
            if !isTried {
                let held = doomed.filter { $0.hasKey }.map { $0.number }
                let lent = desk.provider.fingerprints(of: name, generations: held).filter { old.contains($0) }
                try requireNotLent(lent, to: Self.borrowers(of: lent, in: served).filter { $0 != name }, desk)
            }
            if compromised {
                try desk.perform { () throws(CertificateProblem) in
                    try desk.provider.requireOtherKey(settings, only: generation)
                }
                renewTickets(&gateway, desk, isServing: isServing)
            }
            try endTrials(desk, isServing: isServing)
            let areAllRead = try revoke.map { try self.revoke(settings, $0, desk) } ?? true
            let gone = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.retire(
                    settings,
                    only: generation,
                    isCompromised: compromised,
                    reason: markedReason
                )
            }
            Output.line(
                gone.isEmpty
                    ? "certificate \(name): there is no key to delete but the one that is in use"
                    : "certificate \(name): deleted the key of generation "
                        + gone.map { String($0) }.joined(separator: ", ")
            )
            let retired = desk.provider.fingerprints(of: name, generations: gone)
            // The lists that the gateway serves hold what was revoked.
            if revoke != nil || !borrowers.isEmpty { _ = gateway.ask(.certificates(of: nil)) }
            let lent = Self.uses(of: old, lentTo: borrowers.filter { $0 != name }, &gateway)
            let uses = gateway.ask(.uses(certificate: name))?.items ?? []
            let isGone = letGo(lent, Self.wanted(uses.filter { $0["shown"]?.boolean == false }, retired))
            try end(gateway, isFine: areAllRead && isGone)
        }

        private var markedReason: String { compromised ? "compromised: \(change.reason)" : change.reason }

        private func renewTickets(
            _ gateway: inout SideQuestions,
            _ desk: CertificateOptions.Desk,
            isServing: Bool
        ) {
            if gateway.ask(.renewTickets) != nil {
                Output.line("session tickets of before are opened no more")
            } else if !isServing {
                Output.line(desk.absence)
            }
        }

        /// Says what the running gateway could not be asked.
        private func end(_ gateway: SideQuestions, isFine: Bool = true) throws {
            if gateway.isSilent {
                Output.error("certificate \(change.name): \(unknown)")
                throw ExitCode(3)
            }
            if gateway.hasFailed || !isFine { throw ExitCode(1) }
        }

        /// What a gateway that does not answer may be doing yet.
        private var unknown: String {
            "THE GATEWAY MAY HOLD THE KEY IN ITS MEMORY YET, and show its certificate to clients"
                + (compromised ? "; it opens session tickets of before" : "")
                + ": end it (`systemctl restart gatehouse`), or run this again when it answers"
        }

        /// Deletes all keys of a certificate of the store that the site file does not name, the one in use included.
        private func retireUnnamed(_ desk: CertificateOptions.Desk) throws {
            let name = change.name
            // What is nowhere is told in the words of all commands.
            guard desk.provider.isUnnamed(name) else {
                _ = try desk.certificate(name)
                return
            }
            guard revoke == nil, generation == nil else {
                Output.error(
                    "certificate \(name): the site file does not name it, so nobody knows its CA: bring it back there for "
                        + "--revoke and --generation; without these, all of its keys are deleted"
                )
                throw ExitCode(2)
            }
            var gateway = SideQuestions(desk)
            let status = gateway.ask(.status)
            if gateway.hasFailed { throw ExitCode(1) }
            let served = status?["certificates"]?.items ?? []
            guard !served.contains(where: { $0["name"]?.text == name }) else {
                Output.error("certificate \(name): the running gateway serves it; `gatehouse reload` first")
                throw ExitCode(1)
            }
            let fingerprints = desk.provider.fingerprints(of: name)
            let borrowers = Self.borrowers(of: fingerprints, in: served)
            try requireNotLent(fingerprints, to: borrowers, desk)
            if compromised { renewTickets(&gateway, desk, isServing: status != nil || gateway.isSilent) }
            // A gateway that says that it does not serve it has no trial of it.
            try endTrials(desk, isServing: gateway.isSilent)
            let gone = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.retireUnnamed(name, reason: markedReason)
            }
            Output.line(
                gone.isEmpty
                    ? "certificate \(name): not in the site file; there is no key to delete"
                    : "certificate \(name): not in the site file; deleted the keys of generation "
                        + gone.map { String($0) }.joined(separator: ", ")
            )
            if !borrowers.isEmpty { _ = gateway.ask(.certificates(of: nil)) }
            let lent = Self.uses(of: fingerprints, lentTo: borrowers, &gateway)
            try end(gateway, isFine: letGo(lent))
        }

        /// Ends the command where the running gateway shows one of these for another certificate of the site, which has none of its
        /// own for a name: clients of that would be refused.
        private func requireNotLent(
            _ fingerprints: [String],
            to borrowers: [String],
            _ desk: CertificateOptions.Desk
        ) throws {
            guard !compromised else { return }
            // One that came in under several names is another's own, too.
            let lacking = borrowers.compactMap(desk.named).filter { borrower in
                desk.provider.standing(borrower).leaves.allSatisfy { !fingerprints.contains($0.fingerprint) }
            }
            guard !lacking.isEmpty else { return }
            let names = lacking.map(\.name).joined(separator: ", ")
            Output.error(
                "certificate \(change.name): the running gateway shows it for \(names), until there is one of that name; "
                    + "--compromised deletes its keys at once"
            )
            throw ExitCode(1)
        }

        /// The certificates for which a gateway shows one of another name.
        private static func borrowers(of fingerprints: [String], in served: [JSONValue]) -> [String] {
            let entries = served.filter { fingerprints.contains($0["fingerprint"]?.text ?? "") }
            return Set(entries.compactMap { $0["name"]?.text }).sorted()
        }

        /// How a gateway uses certificates that it shows, or showed, for others.
        private static func uses(
            of fingerprints: [String],
            lentTo borrowers: [String],
            _ gateway: inout SideQuestions
        ) -> [(borrower: String, use: JSONValue)] {
            var lent: [(borrower: String, use: JSONValue)] = []
            for borrower in borrowers {
                let uses = gateway.ask(.uses(certificate: borrower))?.items ?? []
                lent += uses.filter { fingerprints.contains($0["fingerprint"]?.text ?? "") }.map {
                    (borrower: borrower, use: $0)
                }
            }
            return lent
        }

        /// Says what became of what is gone from the store, after the gateway has looked for others in its place: of each once, under
        /// whatever names it was shown.
        ///
        /// - Parameters:
        ///   - lent: how it is used for others.
        ///   - own: how it was used under its own name.
        /// - Returns: whether the gateway shows none of it any longer.
        private func letGo(_ lent: [(borrower: String, use: JSONValue)], _ own: [JSONValue] = []) -> Bool {
            let shown = lent.filter { $0.use["shown"]?.boolean == true }
            for (borrower, _) in shown {
                Output.error(
                    "certificate \(change.name): THE GATEWAY SHOWS IT YET, for \(borrower), which has it, too: give that "
                        + "another key (`gatehouse certs rotate \(borrower) --new-key`, or other files)"
                )
            }
            // While it is shown anywhere, its key is there.
            var told = Set(shown.compactMap { $0.use["fingerprint"]?.text })
            let uses = lent.map(\.use) + own
            for fingerprint in uses.compactMap({ $0["fingerprint"]?.text }) where told.insert(fingerprint).inserted {
                Output.line(Self.words(of: fingerprint, uses.filter { $0["fingerprint"]?.text == fingerprint }))
            }
            return shown.isEmpty
        }

        /// Those that were retired now, and those that are in use yet; else the one whose last connection ended last. A gateway
        /// remembers all that it has shown.
        private static func wanted(_ uses: [JSONValue], _ retired: [String]) -> [JSONValue] {
            let wanted = uses.filter { use in
                retired.contains(use["fingerprint"]?.text ?? "") || use["key_held"]?.boolean == true
                    || use["connections"]?.integer ?? 0 > 0
            }
            if !wanted.isEmpty { return wanted }
            return uses.max { ($0["last_ended"]?.text ?? "") < ($1["last_ended"]?.text ?? "") }.map { [$0] } ?? []
        }

        /// A gateway that ended in the middle of a trial has ended it, too. Of a key that was stolen no gateway shows the
        /// certificate any longer, also of those that share the store.
        private func endTrials(_ desk: CertificateOptions.Desk, isServing: Bool) throws {
            let name = change.name
            let own = GatewayIdentity(socket: desk.socket)
            let ended = try desk.perform { () throws(CertificateProblem) -> [CertificateStore.Trial] in
                if !isServing { try desk.provider.endTrial(of: name, at: own) }
                return compromised ? try desk.provider.endTrials(of: name) : []
            }
            for trial in ended where trial.gateway != own {
                Output.line(
                    "certificate \(name): the trial at \(trial.gateway) ends within seconds, where that runs; run this "
                        + "command there, too, for its session tickets"
                )
            }
        }

        /// - Returns: whether all certificates could be read; those that could not were told, and keep no key from going.
        private func revoke(
            _ settings: CertificateSettings,
            _ reason: RevocationReason,
            _ desk: CertificateOptions.Desk
        ) throws -> Bool {
            let done = try desk.perform { () throws(CertificateProblem) -> CertificateProvider.Revocation? in
                do throws(CertificateProblem) {
                    return try desk.provider.revoke(settings, only: generation, reason, desk.outside())
                } catch {
                    // A key that is known to somebody goes all the same.
                    guard compromised, case .nothingToRevoke = error else { throw error }
                    return nil
                }
            }
            guard let done else {
                Output.line("certificate \(settings.name): there is no certificate to revoke but the one in use")
                return true
            }
            for number in done.fresh { Output.line("certificate \(settings.name): generation \(number) is revoked") }
            for number in done.known {
                Output.line("certificate \(settings.name): generation \(number) was revoked before")
            }
            for problem in done.unreadable {
                Output.error("certificate \(settings.name): NOT REVOKED, since it cannot be read: \(problem)")
            }
            for problem in done.problems { Output.error("\(problem)") }
            if let problem = done.problems.first { throw ExitCode(problem.exitStatus) }
            return done.unreadable.isEmpty
        }

        /// - Parameter uses: of this one, under whatever names.
        private static func words(of fingerprint: String, _ uses: [JSONValue]) -> String {
            let holders = uses.filter { $0["key_held"]?.boolean == true }
            let key =
                holders.isEmpty
                ? "its key is gone from the gateway's memory"
                : holders.contains { $0["drains"]?.boolean == true }
                    ? "its key is held by a data plane that drains, until that has ended"
                    : "its key is held by a handshake that is under way"
            let open = uses.reduce(0) { $0 + ($1["connections"]?.integer ?? 0) }
            let ends = uses.compactMap { $0["last_ended"]?.text }
            let last = ends.max().map { "; the last one that ended did at \($0)" } ?? ""
            return "\(fingerprint.prefix(16))…: \(key); \(open) connections that began with it are open\(last)"
        }
    }
}

extension RevocationReason: ExpressibleByArgument {}
