import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Load rulesets for real, in a network that goes away, and prove what the kernel then holds.",
        discussion: """
            Each ruleset is compiled, loaded, read back and held against the policy: nothing more, nothing less. The
            machine's own rules are not touched. Then the file's `never` and `exactly` are proved of what all hosts are
            meant to do, and its tests are tried. Exit status: 0 when all is proved, 1 when something is not, a test fails
            or the kernel refuses a ruleset, 2 when a file or the command is wrong, 3 when it cannot be tried here.
            """
    )

    @OptionGroup var options: SiteOptions

    @Option(help: "The host, as the site file calls it. Default: every host of the site.")
    var host: String?

    @Flag(help: "Write the answers as JSON.")
    var json = false

    func run() throws {
        Allocator.keepFreedMemory()
        let site = try PolicySite(path: options.path)
        let hosts = try host.map { [try site.host($0)] } ?? site.intent.hosts
        // What is said is made at once: what the kernels of all hosts hold need not be in memory together.
        let kernel = ScratchKernel()
        let answers = Parallel.map(hosts) { [json] host in
            let check = KernelCheck(host, in: kernel)
            return Answer(
                check,
                lines: json ? [] : Self.lines(host.host, check, site),
                json: json ? Self.json(host.host, check) : .null
            )
        }
        let firewall = site.model.firewall
        let claims =
            firewall.never.isEmpty && firewall.exactly.isEmpty
            ? [] : PolicyTimeline(site.model, at: site.now).prove([.never, .exactly])
        let failures = PolicyCheck.failedTests(site.model, file: site.path, now: site.now)
        let isKept = claims.allSatisfy(\.isKept) && failures.isEmpty
        let isProved = answers.allSatisfy(\.isProved) && isKept
        let isTried = answers.allSatisfy(\.isTried)
        if json {
            let members: [JSONValue.Member] = [
                .init("proved", .boolean(isProved && isTried)), .init("hosts", .array(answers.map(\.json))),
                .init("claims", .array(claims.map(\.json))),
                .init("failed-tests", .strings(failures.map(\.description))),
            ]
            Output.line(JSONValue.object(members).indented)
        } else {
            for line in answers.flatMap(\.lines) + claims.flatMap({ $0.lines(site) }) { Output.line(line) }
            for failure in failures {
                Output.line("FAILED   test (\(site.path):\(failure.line)): \(failure.message)")
            }
        }
        if !isProved { throw ExitCode(1) }
        if !isTried { throw ExitCode(3) }
    }

    /// What is said of one host.
    private struct Answer: Sendable {
        let isProved: Bool
        let isTried: Bool
        let lines: [String]
        let json: JSONValue

        init(_ check: KernelCheck, lines: [String], json: JSONValue) {
            switch check {
            case .loaded(let proof, _): (isProved, isTried) = (proof.answer == .proved, true)
            case .refused: (isProved, isTried) = (false, true)
            case .untried: (isProved, isTried) = (true, false)
            }
            self.lines = lines
            self.json = json
        }
    }

    private static func lines(_ host: String, _ check: KernelCheck, _ site: PolicySite) -> [String] {
        switch check {
        case .loaded(let proof, let held): proof.lines(held, site)
        case .refused(let why): ["refused  \(host): nftables does not take its ruleset:"] + indented(why)
        case .untried(let why): ["unproved \(host): it could not be tried:"] + indented(why)
        }
    }

    private static func indented(_ text: String) -> [String] { text.split(separator: "\n").map { "         \($0)" } }

    private static func json(_ host: String, _ check: KernelCheck) -> JSONValue {
        func failure(_ word: String, _ why: String) -> JSONValue {
            .object([.init("host", .string(host)), .init("answer", .string(word)), .init("doubt", .string(why))])
        }
        return switch check {
        case .loaded(let proof, let held): .object(proof.members(held))
        case .refused(let why): failure("refused", why)
        case .untried(let why): failure("unproved", why)
        }
    }
}
