import ArgumentParser
import Certificates
import Control
import Glibc
import Linux
import OpenSSL
import Site

struct Certs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs",
        abstract: "Issue, rotate, show and retire the site's certificates.",
        discussion: "A running gateway serves what changed at once, without closing a connection.",
        subcommands: [
            List.self, Verify.self, Issue.self, Renew.self, Rotate.self, Standby.self, Rollback.self, Retire.self,
            Import.self, Export.self, Deploy.self, Audit.self, Authority.self, Account.self,
        ]
    )
}

/// What a command that changes one certificate is told.
struct CertificateChangeOptions: ParsableArguments {
    @OptionGroup var options: CertificateOptions
    @Argument(help: "Its name in the site file.") var name: String
    @Option(help: Self.helpOfReason) var reason = Self.usualReason

    static let helpOfReason: ArgumentHelp = "Why, for the audit log."
    static let usualReason = "an operator asked for it"
}

/// The site whose certificates a command is about.
struct CertificateOptions: ParsableArguments {
    @OptionGroup var options: SiteOptions

    @Option(help: "The running gateway's admin socket. Default: the one of the site that the site file describes.")
    var socket: String?

    /// The site, and who provides its certificates at this moment.
    struct Desk {
        let site: SiteModel
        let provider: CertificateProvider
        /// Seconds since 1970.
        let now: Int64
        let socket: String

        /// The certificates that were named, each once, else all and their standbys, in the order of their names.
        func certificates(_ names: [String]) throws -> [CertificateSettings] {
            guard names.isEmpty else {
                var known: Set<String> = []
                return try names.filter { known.insert($0).inserted }.map(certificate)
            }
            return site.certificates.values.sorted { $0.name < $1.name }.flatMap { settings in
                [settings] + [settings.standbyCertificate].compactMap(\.self)
            }
        }

        /// The certificate, or standby, of this name; nil where the site file has none.
        func named(_ name: String) -> CertificateSettings? {
            let standbys = site.certificates.values.lazy.compactMap(\.standbyCertificate)
            return site.certificates[name] ?? standbys.first { $0.name == name }
        }

        func certificate(_ name: String) throws -> CertificateSettings {
            guard let settings = named(name) else {
                if InternalCA.isOwn(name) {
                    let words = "\(name) is of the internal CA itself, which `gatehouse certs ca` is for"
                    Output.error("\(words): `ca renew` replaces the intermediate")
                    throw ExitCode(2)
                }
                let known = site.certificates.keys.sorted().joined(separator: ", ")
                Output.error(
                    "the site file has no certificate \(name)"
                        + (known.isEmpty ? "; `certificates` is empty" : "; it has \(known)")
                )
                throw ExitCode(2)
            }
            return settings
        }

        /// Does what an operator asked for; a failure is told, and ends the command.
        func perform<Result>(_ work: () throws(CertificateProblem) -> Result) throws -> Result {
            do throws(CertificateProblem) {
                return try work()
            } catch {
                Output.error("\(error)")
                throw ExitCode(error.exitStatus)
            }
        }

        /// A new certificate from whoever issues it.
        ///
        /// - Parameter wantsNewKey: its key is to be none that was there before.
        func make(
            _ settings: CertificateSettings,
            reason: String,
            wantsNewKey: Bool = false
        ) throws -> CertificateBundle? {
            try make(settings, isAsked: true, wantsNewKey: wantsNewKey) { _ in reason }
        }

        /// The same where there is a need for it yet once no other process is about to make it.
        ///
        /// - Parameters:
        ///   - isAsked: an operator wants it now, however old the one before is.
        ///   - need: why it is needed by then; nil when it is not.
        /// - Returns: nil where it is not needed.
        func make(
            _ settings: CertificateSettings,
            isAsked: Bool = false,
            wantsNewKey: Bool = false,
            where need: (Desk) -> String?
        ) throws -> CertificateBundle? {
            try requireSameWish(settings)
            return try perform { () throws(CertificateProblem) in
                if case .files = settings.issuer { throw .foreignIssuer(name: settings.name, settings.issuer) }
                return try provider.claimed(settings, by: Self.command, isPatient: true, tell: { Output.error($0) }) {
                    () throws(CertificateProblem) -> CertificateBundle? in
                    let desk = afterWaiting
                    return try desk.provider.whereNeeded(settings, { need(desk) }) {
                        (reason, footing) throws(CertificateProblem) in
                        guard case .acme(let acme) = settings.issuer else {
                            return try desk.provider.issue(settings, reason: reason, on: footing)
                        }
                        return try desk.provider.order(
                            settings,
                            acme,
                            reason: reason,
                            isAsked: isAsked,
                            wantsNewKey: wantsNewKey,
                            on: footing,
                            outside()
                        )
                    }
                }
            }
        }

        /// The same at this moment, for who has waited for another process.
        private var afterWaiting: Desk {
            Desk(site: site, provider: provider.afterWaiting, now: WallClock.seconds, socket: socket)
        }

        /// What this process was started as, without what the site's owner gave it to say.
        private static var command: String {
            let names = Certs.configuration.subcommands.map { $0._commandName }
            let own = CommandLine.arguments.dropFirst(2).first(where: names.contains)
            return (["gatehouse", "certs"] + [own].compactMap(\.self)).joined(separator: " ")
        }

        /// Says which names of a certificate that was ordered just now are missing in it.
        ///
        /// - Returns: whether any is.
        func tellLack(of settings: CertificateSettings) -> Bool {
            guard case .acme(let acme) = settings.issuer else { return false }
            let plan = provider.plan(of: settings, acme)
            guard plan.failures > 0 else { return false }
            Output.error(
                "certificate \(settings.name): NOT FOR ALL OF ITS NAMES: \(plan.problem); the next try is at \(UTC.text(plan.next))"
            )
            return true
        }

        /// Says of a certificate that waits for its next try why the last one failed.
        ///
        /// - Returns: whether it does.
        func tellPause(of settings: CertificateSettings) -> Bool {
            let standing = provider.standing(settings)
            guard standing.failures > 0, standing.plan.next > now else { return false }
            // What is being made just now has not failed.
            if let claim = provider.claim(of: settings) {
                Output.line("certificate \(settings.name): \(claim)")
                return false
            }
            Output.error(
                "certificate \(settings.name): the next try is at \(UTC.text(standing.plan.next)), since the last one failed: "
                    + standing.plan.problem
            )
            return true
        }

        /// Says that this machine's clock is behind the store's history, where it is: what is made now goes by both.
        func tellClock() {
            if let warning = provider.clockWarning { Output.error("warning: \(warning)") }
        }

        /// Says what is wrong with the store.
        func tell(storeWarnings: [String]) {
            for warning in storeWarnings { Output.error("warning: \(warning)") }
        }

        /// Why a certificate is to be issued anew now; nil when it is not.
        func need(of settings: CertificateSettings) -> String? {
            if case .acme(let acme) = settings.issuer { return provider.need(of: settings, acme, outside()) }
            let standing = provider.standing(settings)
            if let cause = standing.cause, !standing.isAtRest(at: now) { return cause }
            return standing.due.map { $0 <= now } ?? true ? "it is due" : nil
        }

        /// What is asked of CAs leaves by a helper that has nothing else.
        func outside() -> CertificateProvider.Outside {
            var user: UserAccount?
            if Privileges.isRoot {
                user = UserAccount.named(site.gateway?.user ?? GatewaySettings().user) ?? UserAccount.named("nobody")
            }
            return CertificateProvider.Outside(
                transport: { [site, user] acme in
                    OutboundTransport(OutboundTransport.Settings(acme, of: site, user: user))
                },
                publish: { () throws(ACMEProblem) in try showChallenge() },
                tell: { Output.error($0) },
                wish: { wishInForce(of: $0) }
            )
        }

        /// How a certificate stands, and the programs that are told of it on this host.
        func standing(_ settings: CertificateSettings) -> CertificateStanding {
            var standing = provider.standing(settings)
            let gateway = GatewayIdentity(socket: socket)
            if let fault = provider.deploymentFault(of: settings, at: gateway, showing: { inForce(settings) }) {
                standing.faults.append(fault)
            }
            standing.claim = provider.claim(of: settings)
            if let claim = standing.claim, provider.isOverdue(claim) {
                standing.warnings.append("\(claim); \(claim.advice)")
            }
            return standing
        }

        /// Runs the certificate's program, where it has one, for what is in force.
        func deploy(_ settings: CertificateSettings) throws {
            guard settings.deploy != nil else { return }
            let isDone = try perform { () throws(CertificateProblem) in
                try provider.deploy(
                    settings,
                    showing: { inForce(settings) },
                    at: GatewayIdentity(socket: socket),
                    tell: { Output.error($0) }
                )
            }
            guard isDone else {
                Output.error(
                    "certificate \(settings.name): its files hold another than all clients are shown, which `gatehouse certs "
                        + "list` tells of, so its program was not run; it is when the gateway has brought what is there into force"
                )
                throw ExitCode(1)
            }
            Output.line("certificate \(settings.name): deployed")
        }

        /// Runs the programs that were not run to a good end for what is in force, but for those that wait for their next try.
        /// Does nothing where a gateway runs, which does that itself. One that fails or waits keeps no other, and is an error.
        ///
        /// - Parameter names: certificates whose programs are not run.
        func deployOwed(besides names: Set<String>) throws {
            guard case .none = question(.status) else { return }
            let gateway = GatewayIdentity(socket: socket)
            let others = site.certificates.values.sorted { $0.name < $1.name }.filter { !names.contains($0.name) }
            try Self.each(others.filter { provider.owesDeployment($0, showing: [], at: gateway) }) { settings in
                if provider.deploymentRecord(of: settings, at: gateway).next > now,
                    let fault = provider.deploymentFault(of: settings, at: gateway, showing: { [] })
                {
                    Output.error("certificate \(settings.name): \(fault)")
                    throw ExitCode(1)
                }
                try deploy(settings)
            }
        }

        /// Does the same for several: one that fails keeps no other, and the first failure is the exit status.
        static func each(_ several: [CertificateSettings], _ body: (CertificateSettings) throws -> Void) throws {
            var failure: ExitCode?
            for settings in several {
                do {
                    try body(settings)
                } catch let code as ExitCode {
                    failure = failure ?? code
                }
            }
            if let failure { throw failure }
        }

        /// What does not fit between the store and its history.
        ///
        /// - Parameter names: whose generations; nil for all.
        func discrepancies(
            from history: AuditLog.Findings,
            of names: [String]?
        ) throws -> [CertificateStore.Discrepancy] {
            try perform { () throws(CertificateProblem) in
                guard let names else { return try provider.discrepancies(from: history) }
                var found: [CertificateStore.Discrepancy] = []
                for name in names { found += try provider.discrepancies(from: history, of: name) }
                return found
            }
        }
    }

    /// What is said of a certificate of the store that the site file does not name.
    static func wordsOfUnnamed(_ name: String) -> String {
        "nothing of this site renews it; where no other site has it, `gatehouse certs retire \(name)` deletes its keys"
    }

    /// The site, and what its certificates are at this moment.
    func desk() throws -> Desk {
        let outcome = SiteFile.load(path: options.path)
        guard let site = outcome.model else {
            Output.error(outcome.text)
            throw ExitCode(2)
        }
        let now = WallClock.seconds
        let desk = Desk(
            site: site,
            provider: CertificateProvider(for: site, now: now),
            now: now,
            socket: socket ?? AdminSocket.defaultPath(of: site.name)
        )
        desk.noteLostStore()
        return desk
    }

    /// The same for a command that changes something of the store.
    func changingDesk() throws -> Desk {
        let desk = try self.desk()
        try desk.requireNewestStore()
        return desk
    }
}
