import Foundation
import Testing

/// A rotation that is killed at every one of its system calls, by strace.
@Suite("A store whose writer is killed", .patient)
struct StoreCrashTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates: { web: { names: [foobar.test], issuer: internal } }
            """,
            to: "site.yaml"
        )
    }

    private func certs(_ arguments: [String], under prefix: [String] = []) throws -> ToolResult {
        try directory.certs(arguments, under: prefix)
    }

    /// The one certificate: its generation and fingerprint, and that nothing is wrong with it.
    private func standing() throws -> (generation: Int, fingerprint: String) {
        let (entries, list) = try directory.listed()
        #expect(list.status == 0, "\(list)")
        let leaf = (entries.first?["certificates"] as? [[String: Any]])?.first
        return (
            try #require(entries.first?["generation"] as? Int, "\(list)"),
            try #require(leaf?["fingerprint"] as? String, "\(list)")
        )
    }

    /// Two generations, so that another one takes the first one's key: all that a rotation does, it does then.
    private func prepare() throws {
        for command in ["issue", "rotate"] { #expect(try certs([command, "web"]).status == 0) }
    }

    /// The calls of a rotation.
    private func calls() throws -> StoreCalls {
        try StoreCalls(in: directory) { try certs(["rotate", "web"], under: $0) }
    }

    @Test("what was made just now is brought to the disk with all folders above it, up to the store")
    func folders() throws {
        let trace = directory.path("trace")
        let strace = ["strace", "-f", "-y", "-qq", "-o", trace, "-e", "trace=fsync,rename"]
        #expect(try certs(["issue", "web"], under: strace).status == 0)
        let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
        let published = try #require(lines.lastIndex { $0.contains("rename") && $0.contains("store/web/current") })
        for folder in ["store", "store/web", "store/web/1"] {
            let isThere = lines[..<published].contains { $0.contains("fsync") && $0.contains("/\(folder)>") }
            #expect(isThere, "\(folder): \(lines)")
        }
    }

    @Test("writers whose threads have equal numbers, as in two containers, have files of their own beside the place")
    func containers() throws {
        guard try run("unshare", ["--pid", "--fork", "true"], in: directory).status == 0 else {
            return print("not tried: it takes root to make a namespace")
        }
        var names: [String] = []
        for _ in 0..<2 {
            let trace = directory.path("trace")
            let strace = ["unshare", "--pid", "--fork", "strace", "-f", "-qq", "-o", trace, "-e", "trace=rename"]
            let made = try certs(["rotate", "web"], under: strace)
            #expect(made.status == 0, "\(made)")
            let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
            let published = try #require(lines.last { $0.contains("store/web/current\"") }, "\(lines)")
            names.append(try #require(published.split(separator: "\"").dropFirst().first.map(String.init)))
        }
        #expect(names[0] != names[1] && names[0].contains("/.current."), "\(names)")
    }

    @Test("a disk that is full from any moment on leaves the old generation or the new one, whole")
    func fullDisk() throws {
        try prepare()
        let traced = try calls()
        let kinds = ["fsync", "mkdir", "rename", "write"]
        let published = try #require(traced.calls.lastIndex { $0.kind == "rename" })
        var before = try standing()
        for place in traced.calls.indices where kinds.contains(traced.calls[place].kind) {
            let result = try certs(["rotate", "web"], under: traced.full(kinds, from: place))
            let after = try standing()
            let comment: Comment = "full from \(traced.calls[place]) on: \(result)"
            #expect(try certs(["audit"]).status == 0, comment)
            // What failed has taken nothing of what becomes free.
            let left = try FileManager.default.contentsOfDirectory(atPath: directory.path("store/web"))
            #expect(left.compactMap { Int($0) }.max() == after.generation, comment)
            if place <= published {
                #expect(result.status != 0 && after == before, comment)
            } else {
                #expect(after.generation == before.generation + 1, comment)
            }
            before = after
        }
        #expect(Set(traced.calls.map(\.kind)).isSuperset(of: kinds))
        #expect(try certs(["rotate", "web"]).status == 0)
    }

    @Test("the old generation or the new one is there, whole, whichever call it was", arguments: StoreCalls.kinds)
    func everyCall(_ kind: String) throws {
        try prepare()
        let traced = try calls().calls.filter { $0.kind == kind }
        var call = try #require(traced.first, "a rotation makes no such call")
        var before = try standing()
        var killed = 0
        while true {
            let result = try certs(["rotate", "web"], under: StoreCalls.kill(at: call))
            let after = try standing()
            if result.status == 0 { break }
            killed += 1
            #expect(result.status == 128 + SIGKILL, "\(result)")
            if after != before { #expect(after.generation > before.generation) }
            #expect(try certs(["audit"]).status == 0, "killed at \(call)")
            before = after
            call.number += 1
            try #require(killed < 500, "it never ends without being killed")
        }
        #expect(killed >= traced.count, "each of them at least once")
        #expect(try certs(["rotate", "web"]).status == 0)
        let generation = try standing().generation
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path("store/web"))
        #expect(left.allSatisfy { $0 == "current" || Int($0) != nil }, "\(left.sorted())")
        var whole: [Int] = []
        for folder in left.compactMap({ Int($0) }) {
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path("store/web/\(folder)"))
            #expect(files.contains("fullchain.pem"), "\(folder): \(files)")
            #expect(Set(files).isSubset(of: ["fullchain.pem", "key.pem"]), "\(folder): \(files)")
            if files.count == 2 { whole.append(folder) }
        }
        #expect(whole.count == 2 && whole.max() == generation, "\(whole)")
    }

    @Test("a first start that is killed while many are brought to the disk leaves each whole or not there")
    func together() throws {
        let names = (1...12).map { "c\($0)" }
        let port = try Ports.free()
        try directory.write(
            CertificateSite.text(
                at: port,
                showing: names,
                hosts: "\"*\"",
                certificates: names.map { "  \($0): { names: [\($0).foobar.test], issuer: internal }" }
                    .joined(separator: "\n")
            ),
            to: "site.yaml"
        )
        let serve = ["serve", "--site", directory.path("site.yaml"), "--socket", directory.path("admin.sock")]
        func current() -> Int {
            names.count { FileManager.default.fileExists(atPath: directory.path("store/\($0)/current")) }
        }
        // Once for the generations and once for their names, each before and after the renames. strace counts each thread's
        // calls by themselves: these all come from the one thread that loads the configuration.
        for call in 1...4 {
            let inject = "inject=syncfs:signal=SIGKILL:when=\(call)"
            let strace = ["-f", "-qq", "-o", "/dev/null", "-e", inject, try Gateway.binary]
            let result = try run("strace", strace + serve, in: directory, within: .seconds(120))
            #expect(result.status == 128 + SIGKILL, "call \(call): \(result)")
            #expect(current() == (call == 4 ? 12 : 0), "call \(call)")
            #expect(try certs(["audit"]).status == 0, "call \(call)")
            let said = try certs(["verify"]).error.split(separator: "\n")
            #expect(said.isEmpty == (call == 4), "call \(call): \(said)")
            #expect(said.allSatisfy { $0.contains("there is no certificate") }, "call \(call): \(said)")
        }
        #expect(try certs(["verify"]).status == 0)
        let site = try RunningSite(in: directory)
        #expect(site.log.contains("gatehouse: ready"))
    }
}
