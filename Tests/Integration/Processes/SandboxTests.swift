import Foundation
import Testing

/// The process that takes every byte of the network has nothing to lose.
@Suite("Sandbox of the data plane", .patient)
struct SandboxTests {
    @Test("no privileges, no new ones, few system calls; root's data plane is another user's")
    func confined() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        #expect(try [gateway.get().status] == [200])
        let planes = gateway.process.children.map { ProcessFacts(identifier: $0) }
        #expect(!planes.isEmpty)
        for plane in planes {
            // What `ps`, `top` and `ss` call it.
            #expect(plane["Name"] == "gatehouse-data")
            #expect(plane["NoNewPrivs"] == "1")
            #expect(plane["Seccomp"] == "2")
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                #expect(plane[set].map { $0.allSatisfy { $0 == "0" } } == true, "\(set): \(plane[set] ?? "none")")
            }
            if geteuid() == 0 {
                #expect(plane["Uid"]?.split(separator: "\t").contains("0") == false, "\(plane["Uid"] ?? "none")")
                #expect(plane["Gid"]?.split(separator: "\t").contains("0") == false, "\(plane["Gid"] ?? "none")")
            }
        }
    }

    /// A kernel that lacks system calls, made by a filter around the gateway and all that it starts.
    struct Lack: Sendable, CustomTestStringConvertible {
        /// As in `seccomp=EINVAL`.
        let calls: [String]
        let landlock: Bool
        let filter: Bool

        var testDescription: String { calls.joined(separator: " ") }

        /// What is said of it, and what to do about it.
        var sentences: [String] {
            (landlock
                ? ["This kernel has no Landlock (", "with landlock among the kernel's lsm= modules."] : [])
                + (filter ? ["This kernel has no seccomp filters (", "build it with CONFIG_SECCOMP_FILTER."] : [])
        }

        /// A program that runs the gateway below such a filter.
        func binary(in directory: TemporaryDirectory) throws -> String {
            let command = ["/usr/bin/python3", Self.tool] + calls + ["--", try Gateway.binary]
            let words = command.map { "'\($0)'" }.joined(separator: " ")
            try directory.write("#!/bin/sh\nexec \(words) \"$@\"\n", to: "gatehouse-lacking")
            try directory.makeExecutable("gatehouse-lacking")
            return directory.path("gatehouse-lacking")
        }

        private static let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Tools/without-system-calls.py").standardizedFileURL.path
    }

    @Test(
        "where the kernel lacks Landlock or system call filters, it serves, says so at start and in `status`",
        arguments: [
            Lack(calls: ["landlock_create_ruleset=ENOSYS"], landlock: true, filter: false),
            // As booted without it among the `lsm=` modules.
            Lack(calls: ["landlock_create_ruleset=EOPNOTSUPP"], landlock: true, filter: false),
            Lack(calls: ["seccomp=ENOSYS"], landlock: false, filter: true),
            Lack(calls: ["landlock_create_ruleset=ENOSYS", "seccomp=EINVAL"], landlock: true, filter: true),
        ]
    )
    func lacking(_ lack: Lack) throws {
        let directory = try TemporaryDirectory()
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(servers: [.init(app)], in: directory, binary: lack.binary(in: directory))
        #expect(try gateway.get().text == "app")
        for sentence in lack.sentences { #expect(gateway.log.contains(sentence), "\(gateway.log)") }

        let status = try gateway.command("status", "--json")
        let document = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
        let sandbox = try #require(document?["data_plane_sandbox"] as? [String: Any], "\(status)")
        let lacks = try #require(sandbox["lacks"] as? [String])
        for sentence in lack.sentences { #expect(lacks.contains { $0.contains(sentence) }, "\(lacks)") }
        #expect(lacks.contains { $0.contains("seccomp") } == lack.filter, "\(lacks)")
        #expect(sandbox["system_call_filter"] as? Bool == !lack.filter)
        if lack.landlock { #expect(sandbox["landlock"] as? Int == 0) }
        let table = try gateway.command("status").output
        #expect(table.contains("system call filter \(lack.filter ? "off" : "on")\n"), "\(table)")
        for sentence in lack.sentences { #expect(table.contains(sentence), "\(table)") }

        // What does not need them holds all the same.
        let plane = ProcessFacts(identifier: try gateway.dataPlane)
        #expect(plane["NoNewPrivs"] == "1")
        #expect(plane["CapEff"].map { $0.allSatisfy { $0 == "0" } } == true)
        if geteuid() == 0 { #expect(plane["Uid"]?.split(separator: "\t").contains("0") == false) }
        // The filter around it counts as one; kernels before 5.9 do not tell.
        if let around = ProcessFacts(identifier: gateway.process.identifier)["Seccomp_filters"].flatMap(Int.init) {
            #expect(plane["Seccomp_filters"].flatMap(Int.init) == around + (lack.filter ? 0 : 1))
        }
    }

    @Test("so does the helper that asks for names")
    func helper() throws {
        let lack = Lack(calls: ["landlock_create_ruleset=ENOSYS", "seccomp=ENOSYS"], landlock: true, filter: true)
        let directory = try TemporaryDirectory()
        let app = try ScriptedServer.named("app")
        let dns = try NameServerTool("app.test 127.0.0.1 60\n", in: directory)
        let port = try Ports.free()
        let site = try RunningSite(
            """
            site: names.test
            gateway:
              user: nobody
              name-servers: 127.0.0.1:\(dns.port)
              listen: [{ port: \(port), address: 127.0.0.1 }]
              routes: [{ hosts: "*", pool: web }]
              pools: { web: { servers: [{ name: app.test, port: \(app.port) }] } }
            """,
            in: directory,
            binary: lack.binary(in: directory)
        )
        try eventually("the name is known and served; \(site.log)") {
            (try? HTTPConnection(port: port).exchange("GET / HTTP/1.1\r\nHost: x.test\r\n\r\n").text) == "app"
        }
        let said = site.log.split(separator: "\n").filter { $0.contains("outbound helper: ") }
        for sentence in lack.sentences { #expect(said.contains { $0.contains(sentence) }, "\(site.log)") }
    }
}
