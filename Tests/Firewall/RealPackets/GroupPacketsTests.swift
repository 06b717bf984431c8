import Firewall
import Glibc
import Linux
import Site
import Testing

/// Real datagrams to groups and broadcasts between hosts on one link: what programs get is what the lines say.
@Suite("Real packets to groups", .enabled(if: WiredHost.isPossible))
struct GroupPacketsTests {
    private static let tool =
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Tools/groups-between-namespaces"

    @Test("come in where a line names the group, from whom it names, and the host tells its link")
    func groups() throws {
        let folder = "/tmp/gatehouse-groups-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "results.json") }
        let intent = Intent(of: try site(GroupTests.text))
        for host in ["a", "d"] {
            let text = Array(Compiler.compile(try #require(intent.host(host))).text().text.utf8)
            try FileWriting.replace("\(folder)/\(host).nft", with: text.span, mode: 0o600)
        }
        #expect(try WiredHost.end(of: [Self.tool, folder], seconds: 120) == .exited(0))
        let bytes = try FileReading.read("\(folder)/results.json", limit: 1 << 20)
        let rounds = try #require(JSONValue(parsing: String(decoding: bytes, as: UTF8.self))).items
        try #require(rounds.count == 2)
        // Without rules everything arrives, so that what does not is the rules' doing. Over IPv6 VRRP stands behind options
        // here, and is VRRP to rules; VRRP behind AH (51) is AH.
        #expect(rounds[0]["got"]?.items.count == 22)
        #expect(
            rounds[1]["got"]?.items.compactMap(\.text) == [
                "a 10.10.0.255 9", "a 224.0.0.18 112", "a 224.0.0.251 5353", "a 255.255.255.255 9", "a ff02::12 112",
                "a ff02::fb 5353", "x 10.10.0.255 9", "x 224.0.0.251 5353", "x 255.255.255.255 9", "x ff02::12 112",
                "x ff02::fb 5353",
            ]
        )
        for round in rounds {
            #expect(round["fences"]?.items.compactMap(\.text) == ["a", "x"])
            #expect(round["told"] == .boolean(true))
        }
    }
}
