import Firewall
import Glibc
import Linux
import Site
import Testing

/// Loads into a network in force that fail, each in a process with a network of its own.
@Suite("Live kernel", .enabled(if: geteuid() == 0 && ScratchKernelTests.isPossible))
struct LiveKernelTests {
    private static let held = """
        table inet gatehouse {
            set few {
                type ipv4_addr
                size 2
                elements = { 192.0.2.1, 192.0.2.2 }
            }
            chain services {
                tcp dport 22 accept
            }
            chain input {
                type filter hook input priority filter; policy drop;
                ip saddr @few jump services
            }
        }

        """

    /// The kernel takes the beginning of each, and then stops.
    private static let refused = [
        // More elements than the set may have.
        "add rule inet gatehouse input counter\nadd element inet gatehouse few { 192.0.2.3 }\n",
        "delete table inet gatehouse\n" + held + "add element inet gatehouse few { 192.0.2.3, 192.0.2.4 }\n",
        // An element that is not there.
        "add rule inet gatehouse services accept\ndelete element inet gatehouse few { 192.0.2.9 }\n",
        // A chain of that name is there, and hangs nowhere.
        """
        add table inet other
        add chain inet gatehouse services { type filter hook forward priority 0; policy drop; }
        """,
        // A chain that is jumped to.
        "add table inet other\ndelete chain inet gatehouse services\n",
        // A circle.
        "add table inet other\nadd rule inet gatehouse services jump services\n",
    ]

    @Test("a load that the kernel refuses half-way changes nothing")
    func halfWay() async {
        await #expect(processExitsWith: .success) {
            _ = try Namespaces.isolateNetwork()
            let kernel = LiveKernel(try BuiltProgram.workers())
            try kernel.load(Self.held)
            let before = try kernel.json(.ruleset)
            for text in Self.refused {
                do throws(KernelFailure) {
                    try kernel.load(text)
                    Issue.record("it was loaded: \(text)")
                } catch {
                    guard case .refused = error else { throw error }
                }
                let after = try kernel.json(.ruleset)
                #expect(after == before, "\(text)")
            }
        }
    }

    @Test("a table that only libnftables lists, or only the kernel, stays in the list and is said to be so")
    func oneAlone() async {
        await #expect(processExitsWith: .success) {
            _ = try Namespaces.isolateNetwork()
            let kernel = LiveKernel(try BuiltProgram.workers())
            func listed() throws -> HeldListing { try #require(HeldListing(try kernel.json(.ruleset))) }
            try kernel.load(Self.held)
            let (fewer, before) = (try RulesetInventory(), try listed())
            try kernel.load("table ip more { chain in { type filter hook input priority 5; policy drop; }; }\n")
            let (more, after) = (try RulesetInventory(), try listed())
            let whole = HeldListing(after, completedBy: more)
            #expect(whole.unread.isEmpty && whole.tables.count == 2)
            for one in [HeldListing(after, completedBy: fewer), HeldListing(before, completedBy: more)] {
                #expect(one.tables.count == 2 && Array(one.unread.keys) == ["ip more"], "\(one.unread)")
            }
        }
    }

    @Test("a worker that ends for want of memory before it loads changes nothing, and that is known")
    func memory() async {
        await #expect(processExitsWith: .success) {
            let failing = try FailingLoads("1|2) ulimit -v 20000;;")
            let error = try failing.apply()
            #expect(error.kind == .machine, "\(error)")
            #expect(try failing.holdsWhatItHeld)
            #expect(try failing.applier.state().undone?.why.contains("it was not loaded") == true)
        }
    }

    @Test("what was in force comes back when the kernel holds something else than was loaded")
    func comesBack() async {
        await #expect(processExitsWith: .success) {
            let failing = try FailingLoads("2|5) nft insert rule inet gatehouse input accept;;")
            let error = try failing.apply()
            #expect("\(error)".contains("the kernel holds something else than was loaded"), "\(error)")
            #expect("\(error)".contains("what was in force before is in force again"), "\(error)")
            #expect(try failing.holdsWhatItHeld)
            let state = try failing.applier.state()
            #expect(state.pending == nil && state.undone?.why.contains("after the load") == true)
        }
    }

    @Test("where that fails, too, it stays pending, and a rollback brings it back")
    func rollback() async {
        await #expect(processExitsWith: .success) {
            // The seventh looks what is left of the load, and those behind it would bring back what was there.
            let failing = try FailingLoads("2|5) nft insert rule inet gatehouse input accept;; [89]) exit 1;;")
            let error = try failing.apply()
            #expect(error.kind == .machine && "\(error)".contains("may be in force"), "\(error)")
            #expect(try failing.applier.state().pending?.ruleset.generation == 2)
            #expect(try !failing.holdsWhatItHeld)
            let healthy = Applier(failing.applier.folder, workers: try BuiltProgram.workers())
            #expect(try healthy.rollback().generation == 1)
            #expect(try failing.holdsWhatItHeld)
        }
    }
}

/// A network in which one ruleset is in force, and an applier whose workers fail when they should.
private final class FailingLoads {
    let applier: Applier
    private let kernel: LiveKernel
    private let before: [UInt8]

    /// - Parameter cases: what workers do before their task, as the cases of a shell's `case`, by their number from the
    ///   load on: the first loads what differs, and the second reads back what the kernel holds, and the third again when that
    ///   changed meanwhile; where it is not what it should be, the fourth loads the whole, and the fifth and sixth read back.
    ///   Where the first fails, the second loads the whole.
    init(_ cases: String) throws {
        _ = try Namespaces.isolateNetwork()
        let folder = try StateFolder("/tmp/gatehouse-failing-loads-\(getpid())")
        let workers = try BuiltProgram.workers()
        kernel = LiveKernel(workers)
        let healthy = Applier(folder, workers: workers)
        _ = try healthy.apply(Self.order(healthy, port: 22, confirmWithin: 0)) { _, _ in }
        before = try kernel.text(.table(.own))
        let script = """
            cd \(folder.path)
            number=0; if test -e armed; then read number < armed; number=$((number + 1)); echo $number > armed; fi
            case $number in \(cases) esac
            exec \(workers.program) "$@"
            """
        let arguments = ["sh", "-c", script, "gatehouse"] + workers.arguments.dropFirst()
        applier = Applier(folder, workers: KernelProcess(program: "/bin/sh", arguments: arguments))
    }

    deinit { FileWriting.removeFolder(applier.folder.path, first: "state.json") }

    /// Whether the kernel holds the ruleset that was there first.
    var holdsWhatItHeld: Bool { get throws { try kernel.text(.table(.own)) == before } }

    /// Applies another ruleset, which fails.
    func apply() throws -> ApplyError {
        let order = try Self.order(Applier(applier.folder, workers: kernel.process), port: 2222, confirmWithin: 60)
        let mark = "\(applier.folder.path)/armed"
        do throws(ApplyError) {
            // Between this and the load nothing is asked of the kernel.
            _ = try applier.apply(order) { (_, _) throws(ApplyError) in
                do throws(FileError) {
                    try FileWriting.replace(mark, with: Array("0\n".utf8).span, mode: 0o600)
                } catch {
                    throw ApplyError(.machine, "\(error)")
                }
            }
        } catch {
            return error
        }
        throw ApplyError(.machine, "it was applied")
    }

    private static func order(_ applier: Applier, port: UInt16, confirmWithin: Int) throws -> Applier.Order {
        var ssh = PacketMatch()
        ssh.traffic = TrafficSet(.tcp, details: port...port)
        var host = HostIntent(host: "app-01")
        host.input = [IntentRule(id: "ssh", .written, .accept, matches: [ssh])]
        let ruleset = try applier.prove(CompiledRuleset(host), takesUnknown: false)
        return Applier.Order(ruleset, site: Array("port \(port)".utf8), siteModified: 0, confirmWithin: confirmWithin)
    }
}
