import ArgumentParser
import Certificates
import Control
import Glibc
import Linux
import OpenSSL
import Site

struct Certs: ParsableCommand {
    static let configuration = CommandConfiguration(
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
    @Option(help: "Why, for the audit log.") var reason = "an operator asked for it"
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

        /// The certificates that were named, else all and their standbys, in the order of their names.
        func certificates(_ names: [String]) throws -> [CertificateSettings] {
            guard names.isEmpty else { return try names.map(certificate) }
            return site.certificates.values.sorted { $0.name < $1.name }.flatMap { settings in
                [settings] + [settings.standbyCertificate].compactMap(\.self)
            }
        }

        func certificate(_ name: String) throws -> CertificateSettings {
            let standby = site.certificates.values.compactMap(\.standbyCertificate).first { $0.name == name }
            guard let settings = site.certificates[name] ?? standby else {
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
        func make(_ settings: CertificateSettings, reason: String) throws -> CertificateBundle? {
            try make(settings, isAsked: true) { reason }
        }

        /// The same where there is a need for it yet once no other process is about to make it.
        ///
        /// - Parameters:
        ///   - isAsked: an operator wants it now, however old the one before is.
        ///   - need: why it is needed; nil when it is not.
        /// - Returns: nil where it is not needed.
        func make(
            _ settings: CertificateSettings,
            isAsked: Bool = false,
            where need: () -> String?
        ) throws -> CertificateBundle? {
            try perform { () throws(CertificateProblem) in
                if case .files = settings.issuer { throw .foreignIssuer(name: settings.name, settings.issuer) }
                return try provider.claimed(settings, isPatient: true, tell: { Output.error($0) }) {
                    () throws(CertificateProblem) -> CertificateBundle? in
                    guard let reason = need() else { return nil }
                    guard case .acme(let acme) = settings.issuer else {
                        return try Thread.inBackground { [provider] () throws(CertificateProblem) in
                            try provider.issue(settings, reason: reason)
                        }
                    }
                    return try provider.order(settings, acme, reason: reason, isAsked: isAsked, outside())
                }
            }
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
            Output.error(
                "certificate \(settings.name): the next try is at \(UTC.text(standing.plan.next)), since the last one failed: "
                    + standing.plan.problem
            )
            return true
        }

        /// Says what is wrong with the store as a whole, and with the folders of certificates.
        ///
        /// - Parameter names: those that are looked at; nil for all.
        /// - Returns: whether anything is.
        @discardableResult
        func tellStoreWarnings(of names: [String]? = nil) -> Bool {
            let warnings = Thread.inBackground { [provider] in provider.storeWarnings(of: names.map { Set($0) }) }
            for warning in warnings { Output.error("warning: \(warning)") }
            return !warnings.isEmpty
        }

        /// Why a certificate is to be issued anew now; nil when it is not.
        func need(of settings: CertificateSettings) -> String? {
            if case .acme(let acme) = settings.issuer { return provider.need(of: settings, acme, outside()) }
            let standing = provider.standing(settings)
            if let cause = standing.cause { return cause }
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
                tell: { Output.error($0) }
            )
        }

        /// Has the running gateway answer the CA.
        private func showChallenge() throws(ACMEProblem) {
            let line: String?
            do {
                line = try AdminClient.ask(.certificates(of: []), at: socket, within: 60_000)
            } catch {
                throw .challenge(
                    name: site.name,
                    why: "no gateway answers at \(socket), which must run for the CA to look at (\(error))"
                )
            }
            let error = line.flatMap { JSONValue(parsing: $0) }.map { $0["error"]?.text } ?? "no answer"
            if let error { throw .challenge(name: site.name, why: "the gateway cannot show it: \(error)") }
        }

        private static func milliseconds(_ microseconds: Int) -> String {
            let tenths = (microseconds + 50) / 100
            return "\(tenths / 10).\(tenths % 10) ms"
        }

        /// How a certificate stands, and the programs that are told of it on this host.
        func standing(_ settings: CertificateSettings) -> CertificateStanding {
            var standing = provider.standing(settings)
            if let fault = provider.deploymentFault(of: settings, at: GatewayIdentity(socket: socket)) {
                standing.faults.append(fault)
            }
            return standing
        }

        /// Runs the certificate's program, where it has one.
        func deploy(_ settings: CertificateSettings) throws {
            let isDone = try perform { () throws(CertificateProblem) in
                try provider.deploy(settings, at: GatewayIdentity(socket: socket))
            }
            if isDone { Output.line("certificate \(settings.name): deployed") }
        }

        /// What is said where no gateway answers.
        var absence: String {
            "no gateway of this site answers at \(socket); where one runs with another socket, name it with --socket"
        }

        /// The line that the running gateway answers, nil when it gives none in time; nothing when none runs here.
        private func line(for request: AdminRequest) throws -> String?? {
            do {
                return .some(try AdminClient.ask(request, at: socket, within: 60_000))
            } catch let error where [ENOENT, ECONNREFUSED].contains(error.code) {
                return nil
            } catch {
                Output.error("\(socket): \(AdminClient.advice(for: error))")
                throw ExitCode(3)
            }
        }

        /// Asks the running gateway; nil when none runs here.
        func ask(_ request: AdminRequest) throws -> JSONValue? {
            guard let line = try line(for: request) else { return nil }
            guard let line, let reply = JSONValue(parsing: line) else {
                Output.error("\(socket): the gateway gave no answer; its log may say why")
                throw ExitCode(1)
            }
            if let error = reply["error"]?.text {
                Output.error(error)
                throw ExitCode(1)
            }
            return reply["result"] ?? .null
        }

        /// What the running gateway shows its clients, by the certificates' names; nil when none runs here. With why it does
        /// not believe the machine's clock.
        func served() throws -> (certificates: [String: [ServedCertificate]]?, clockDoubt: String?) {
            guard let status = try ask(.status) else { return (nil, nil) }
            var served: [String: [ServedCertificate]] = [:]
            for entry in status["certificates"]?.items ?? [] {
                guard let name = entry["name"]?.text, let fingerprint = entry["fingerprint"]?.text else { continue }
                served[name, default: []].append(
                    ServedCertificate(fingerprint: fingerprint, end: entry["not_after"]?.text)
                )
            }
            for trial in status["certificate_trials"]?.items ?? [] {
                guard let name = trial["name"]?.text, let share = trial["share_percent"]?.integer else { continue }
                for index in (served[name] ?? []).indices { served[name]?[index].trial = .others }
                served[name, default: []] += (trial["fingerprints"]?.items.compactMap(\.text) ?? []).map {
                    ServedCertificate(fingerprint: $0, end: nil, trial: .share(share))
                }
            }
            return (served, status["clock_doubt"]?.text)
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

        /// Has the running gateway serve what the store holds now, and says what came of it. Where none runs, the programs
        /// of what was `changed` are run here.
        func publish(_ changed: CertificateSettings...) throws { try publish(changed) }

        /// The names of what was changed; nil where the CA was, and all with it, or so many that a request has no room for
        /// them.
        private static func worthNaming(_ changed: [CertificateSettings]) -> [String]? {
            let names = changed.map(\.name)
            let length = AdminRequest.certificates(of: names).line.utf8.count
            return names.isEmpty || length >= AdminRequest.longestLine ? nil : names
        }

        /// The same for several.
        func publish(_ changed: [CertificateSettings]) throws {
            let written = Clock.monotonicNanoseconds
            let names = Self.worthNaming(changed)
            tellStoreWarnings(of: names)
            guard let line = try line(for: .certificates(of: names)) else {
                Output.line(absence + "; else the next start serves it")
                for settings in changed { try deploy(settings) }
                return
            }
            guard let line, let reply = JSONValue(parsing: line) else {
                Output.error("\(socket): the gateway gave no answer; its log may say why")
                throw ExitCode(1)
            }
            if let error = reply["error"]?.text {
                Output.error("the gateway goes on with what it served before: \(error)")
                throw ExitCode(1)
            }
            let result = reply["result"]
            let makeshifts = result?["makeshifts"]?.items.compactMap(\.text) ?? []
            if let wanting = changed.first(where: { makeshifts.contains($0.name) }) {
                let warnings = result?["warnings"]?.items.compactMap(\.text) ?? []
                let why = warnings.first { $0.hasPrefix("certificate \(wanting.name): ") }
                Output.error("the gateway cannot serve it: \(why ?? "its log says why")")
                throw ExitCode(1)
            }
            let end = result?["change_ended_nanoseconds"]?.integer ?? 0
            let time = (result?["change_microseconds"]?.integer).map {
                ", on all workers \(Self.milliseconds(max($0, (end - Int(written)) / 1000))) after it was written, "
                    + "\(Self.milliseconds($0)) after the gateway committed it"
            }
            Output.line("the gateway serves it, by configuration \(result?["generation"]?.integer ?? 0)\(time ?? "")")
            let trials = result?["trials"]?.items.compactMap(\.text) ?? []
            for settings in changed where trials.contains(settings.name) {
                Output.line("certificate \(settings.name): to \(settings.canary?.share ?? 0) % of the clients first")
            }
        }
    }

    /// The site, and what its certificates are at this moment.
    ///
    /// What takes long is done in the background, here and where a certificate is made: beside a gateway under load, its
    /// clients would wait else. Programs that are told of a new certificate are started in the foreground.
    func desk() throws -> Desk {
        let outcome = Thread.inBackground { [path = options.path] in SiteFile.load(path: path) }
        guard let site = outcome.model else {
            Output.error(outcome.text)
            throw ExitCode(2)
        }
        let now = WallClock.seconds
        return Desk(
            site: site,
            provider: CertificateProvider(for: site, now: now),
            now: now,
            socket: socket ?? AdminSocket.defaultPath(of: site.name)
        )
    }
}

/// What the running gateway shows.
struct ServedCertificate {
    /// SHA-256.
    let fingerprint: String
    /// In words; nil where the gateway does not say.
    let end: String?
    /// Nil for all clients.
    var trial: Trial?

    /// Whom it is shown during a trial: so many clients of a hundred, or the others.
    enum Trial: Equatable {
        case share(Int)
        case others
    }

    var start: String { fingerprint.prefix(16) + "…" }
    var text: String { start + (end.map { ", good until \($0)" } ?? "") }
}
