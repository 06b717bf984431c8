import ArgumentParser
import Certificates
import Control
import Glibc
import Linux
import Site

/// What commands ask of the running gateway.
extension CertificateOptions.Desk {
    /// Milliseconds that the gateway may take to say something, and to do something.
    private static let patience: (reading: Int32, changing: Int32) = (5_000, 60_000)

    /// What came of a question.
    enum Answer {
        /// No gateway runs here.
        case none
        /// One does, and gives no answer in time, or none to this user; the words say so.
        case silent(String)
        /// What was asked could not be done.
        case failure(String)
        case result(JSONValue)
    }

    /// Asks the running gateway.
    func question(_ request: AdminRequest) -> Answer {
        let patience =
            switch request {
            case .status, .wish: Self.patience.reading
            default: Self.patience.changing
            }
        let line: String?
        do {
            line = try AdminClient.ask(request, at: socket, within: patience)
        } catch let error where [ENOENT, ECONNREFUSED].contains(error.code) {
            return .none
        } catch {
            return .silent("\(socket): \(AdminClient.advice(for: error))")
        }
        guard let line, let reply = JSONValue(parsing: line) else {
            return .silent("\(socket): the gateway gives no answer within \(patience / 1000) s; its log may say why")
        }
        return reply["error"]?.text.map { .failure($0) } ?? .result(reply["result"] ?? .null)
    }

    /// What is said where no gateway answers.
    var absence: String {
        "no gateway of this site answers at \(socket); where one runs with another socket, name it with --socket"
    }

    /// Has the running gateway answer the CA.
    func showChallenge() throws(ACMEProblem) {
        switch question(.certificates(of: [])) {
        case .none: throw .library("\(absence); it must run for the CA to look at: start it, and it asks by itself")
        case .silent(let why): throw .library(why)
        case .failure(let error): throw .library("the gateway cannot show the CA what it looks for: \(error)")
        case .result: break
        }
    }

    // MARK: What it has read

    /// Where the store is empty, and was not when the running gateway read it, no command fills it: what that serves would be
    /// replaced by certificates of a CA that no client trusts.
    func noteLostStore() {
        let store = CertificateStore(folder: site.certificateStore)
        guard store.isVacant, case .result(let status) = question(.status),
            status["certificate_store"]?.text == store.folder
        else { return }
        store.noteContents()
    }

    /// Why the running gateway takes nothing from the store; nil where it does, or none runs.
    func storeProblem() -> String? {
        guard case .result(let status) = question(.status) else { return nil }
        return status["certificate_store_problem"]?.text
    }

    /// Ends the command where the running gateway takes nothing from the store: what is made, revoked or deleted there is not so
    /// in the newer one, once that is back.
    func requireNewestStore() throws {
        guard let problem = storeProblem() else { return }
        Output.error("\(problem); nothing was done")
        throw ExitCode(1)
    }

    /// What the running gateway's site file asks of a certificate; nil where none runs, or it does not say.
    func wishInForce(of settings: CertificateSettings) -> String? {
        guard case .result(.string(let wish)) = question(.wish(certificate: settings.name)) else { return nil }
        return wish
    }

    /// Ends the command where the running gateway's site file asks for another certificate under this name: it would replace at
    /// once what is made here, and a CA counts orders.
    func requireSameWish(_ settings: CertificateSettings) throws {
        guard let wish = wishInForce(of: settings), wish != settings.wish else { return }
        Output.error(
            "certificate \(settings.name): the gateway has another site file, such as one of before, which asks for \(wish), and "
                + "this one asks for \(settings.wish); nothing was made: `gatehouse reload` first"
        )
        throw ExitCode(1)
    }

    // MARK: What it shows

    /// What the running gateway says of its certificates.
    struct Shown {
        /// What it shows its clients, by the certificates' names; nil when none runs here, or it says nothing.
        var certificates: [String: [ServedCertificate]]?
        /// Why it leaves certificates as another process wanted them, by their names.
        var waits: [String: String] = [:]
        /// Why it does not believe the machine's clock.
        var clockDoubt: String?
        /// Why it takes nothing from the store.
        var storeProblem: String?
        /// Why it says nothing, where one runs.
        var silence: String?
    }

    func shown() throws -> Shown {
        let status: JSONValue
        switch question(.status) {
        case .none: return Shown()
        case .silent(let why): return Shown(silence: why)
        case .failure(let error):
            Output.error(error)
            throw ExitCode(1)
        case .result(let result): status = result
        }
        var served: [String: [ServedCertificate]] = [:]
        for entry in status["certificates"]?.items ?? [] {
            guard let name = entry["name"]?.text, let fingerprint = entry["fingerprint"]?.text else { continue }
            served[name, default: []].append(ServedCertificate(fingerprint: fingerprint, end: entry["not_after"]?.text))
        }
        for trial in status["certificate_trials"]?.items ?? [] {
            guard let name = trial["name"]?.text, let share = trial["share_percent"]?.integer else { continue }
            for index in (served[name] ?? []).indices { served[name]?[index].trial = .others }
            served[name, default: []] += (trial["fingerprints"]?.items.compactMap(\.text) ?? []).map {
                ServedCertificate(fingerprint: $0, end: nil, trial: .share(share))
            }
        }
        var waits: [String: String] = [:]
        if case .object(let members)? = status["certificate_waits"] {
            for member in members { waits[member.name] = member.value.text }
        }
        return Shown(
            certificates: served,
            waits: waits,
            clockDoubt: status["clock_doubt"]?.text,
            storeProblem: status["certificate_store_problem"]?.text
        )
    }

    /// SHA-256 of what the running gateway shows all clients of a certificate; none where it shows none, or none runs.
    func inForce(_ settings: CertificateSettings) -> [String] {
        let served = (try? shown())?.certificates?[settings.name] ?? []
        return served.filter { $0.trial == nil || $0.trial == .others }.map(\.fingerprint)
    }

    // MARK: What it is to serve

    /// Has the running gateway serve what the store holds now, and says what came of it. Where none runs, the programs
    /// of what was `changed` are run here.
    ///
    /// - Returns: whether one runs.
    @discardableResult
    func publish(_ changed: CertificateSettings...) throws -> Bool { try publish(changed) }

    /// The same for several.
    @discardableResult
    func publish(_ changed: [CertificateSettings]) throws -> Bool {
        let written = Clock.monotonicNanoseconds
        let names = Self.worthNaming(changed)
        tell(storeWarnings: provider.storeWarnings(of: names.map { Set($0) }))
        let result: JSONValue
        switch question(.certificates(of: names)) {
        case .none:
            Output.line(absence + "; else the next start serves it")
            try Self.each(changed) { try deploy($0) }
            return false
        case .silent(let why):
            Output.error("\(why); the store has what is new, and the gateway serves it when it looks there again")
            throw ExitCode(3)
        case .failure(let error):
            Output.error("the gateway goes on with what it served before: \(error)")
            throw ExitCode(1)
        case .result(let value): result = value
        }
        let makeshifts = result["makeshifts"]?.items.compactMap(\.text) ?? []
        if let wanting = changed.first(where: { makeshifts.contains($0.name) }) {
            let warnings = result["warnings"]?.items.compactMap(\.text) ?? []
            let why = warnings.first { $0.hasPrefix("certificate \(wanting.name): ") }
            Output.error("the gateway cannot serve it: \(why ?? "its log says why")")
            throw ExitCode(1)
        }
        let end = result["change_ended_nanoseconds"]?.integer ?? 0
        let time = (result["change_microseconds"]?.integer).map {
            ", on all workers \(Self.milliseconds(max($0, (end - Int(written)) / 1000))) after it was written, "
                + "\(Self.milliseconds($0)) after the gateway committed it"
        }
        let unshown = Set(result["unshown"]?.items.compactMap(\.text) ?? [])
        let unknown = Set(result["unknown"]?.items.compactMap(\.text) ?? [])
        for settings in changed where unshown.contains(settings.name) {
            Output.line(
                unknown.contains(settings.name)
                    ? "certificate \(settings.name): in the store; the gateway has a site file of before, which does not name it: "
                        + "`gatehouse reload`"
                    : "certificate \(settings.name): in the store, and no listener of the gateway shows it"
            )
        }
        let unseen = Set(result["unseen"]?.items.compactMap(\.text) ?? []).subtracting(unshown)
        for settings in changed where unseen.contains(settings.name) {
            Output.line(
                "certificate \(settings.name): in the store, and no client gets it, as the gateway's log says"
            )
        }
        if !changed.isEmpty, changed.allSatisfy({ unshown.union(unseen).contains($0.name) }) { return true }
        Output.line("the gateway serves it, by configuration \(result["generation"]?.integer ?? 0)\(time ?? "")")
        let trials = result["trials"]?.items.compactMap(\.text) ?? []
        for settings in changed where trials.contains(settings.name) {
            Output.line("certificate \(settings.name): to \(settings.canary?.share ?? 0) % of the clients first")
        }
        return true
    }

    /// The names of what was changed; nil where the CA was, and all with it, or so many that a request has no room for
    /// them.
    private static func worthNaming(_ changed: [CertificateSettings]) -> [String]? {
        let names = changed.map(\.name)
        let length = AdminRequest.certificates(of: names).line.utf8.count
        return names.isEmpty || length >= AdminRequest.longestLine ? nil : names
    }

    private static func milliseconds(_ microseconds: Int) -> String {
        let tenths = (microseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}

/// Questions to the running gateway that a command asks beside its own work. One that gives no answer is told, and asked
/// nothing more.
struct SideQuestions {
    private let desk: CertificateOptions.Desk
    private(set) var isSilent = false
    /// It could not do what it was asked to.
    private(set) var hasFailed = false

    init(_ desk: CertificateOptions.Desk) { self.desk = desk }

    /// The answer; nil where there is none.
    mutating func ask(_ request: AdminRequest) -> JSONValue? {
        guard !isSilent else { return nil }
        switch desk.question(request) {
        case .none: return nil
        case .silent(let why):
            Output.error(why)
            isSilent = true
        case .failure(let error):
            Output.error(error)
            hasFailed = true
        case .result(let result): return result
        }
        return nil
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
