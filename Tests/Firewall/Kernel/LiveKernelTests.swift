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

    @Test("a list is of one moment, or says of what it is not, while others change sets and rules all the time")
    func changing() async {
        await #expect(processExitsWith: .success) {
            _ = try Namespaces.isolateNetwork()
            let kernel = LiveKernel(try BuiltProgram.workers())
            try kernel.load(Self.held)
            try kernel.load(
                """
                table ip other {
                    set a { type ipv4_addr; elements = { 192.0.2.1 }; }
                    set b { type ipv4_addr; elements = { 192.0.2.1 }; }
                    chain c { ip saddr @a drop; }
                }

                """
            )
            // Both sets, and the rule that asks one of them, change in one transaction.
            let script = """
                number=0; while test -e /proc/$1; do number=$((number % 200 + 1)); set=a; test $((number % 2)) = 0 || set=b
                    nft "flush set ip other a; add element ip other a { 192.0.2.$number }; flush chain ip other c
                        flush set ip other b; add element ip other b { 192.0.2.$number }; add rule ip other c ip saddr @$set drop"
                done
                """
            let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
            let arguments = ["bash", "-c", script, "writer", "\(getpid())"]
            let writer = try ProcessStart(program: "/bin/bash", arguments: arguments, environment: environment).run()
            var seen: Set<Set<String>> = []
            for _ in 0..<40 {
                let held = try kernel.held()
                #expect(held.unread[TableName.own.description] == nil)
                let objects = held.tables["ip other"] ?? []
                #expect(objects.count { $0["rule"] != nil } == 1, "\(objects)")
                let elements = Set(objects.compactMap { $0["set"]?["elem"]?.line })
                #expect(elements.count == 1 || held.unread["ip other"] != nil, "\(objects)")
                seen.insert(elements)
            }
            #expect(seen.count > 10, "it changed too slowly: \(seen)")
            writer.signalGroup(SIGKILL)
            let end = writer.wait(milliseconds: 10_000)
            #expect(end != nil)
            #expect(try kernel.held().unread.isEmpty)
        }
    }

    @Test("rules that others change each time they are listed are taken as they are met when a task's time is over")
    func changedEachTime() async {
        await #expect(processExitsWith: .success) {
            _ = try Namespaces.isolateNetwork()
            let workers = try BuiltProgram.workers()
            // One more table for each list that is asked for.
            let script = "nft add table ip more$$; sleep 1; exec \(workers.program) \"$@\""
            let arguments = ["sh", "-c", script, "gatehouse"] + workers.arguments.dropFirst()
            _ = try LiveKernel(KernelProcess(program: "/bin/sh", arguments: arguments, seconds: 3)).held()
            let count = try LiveKernel(workers).tables().count
            #expect((1..<10).contains(count), "\(count)")
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
            #expect("\(error)".contains("meanwhile: apply again"), "\(error)")
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
