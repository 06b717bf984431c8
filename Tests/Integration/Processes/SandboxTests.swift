import Foundation
import Testing

/// The process that takes every byte of the network has nothing to lose.
@Suite("Sandbox of the data plane")
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
}
