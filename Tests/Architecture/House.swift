/// The house as DESIGN.md draws it: which module stands on which floor, and what may be used where.
struct House {
    /// Arrows point down only: a module uses modules of lower floors, never its own floor or a higher one.
    let floors: [[String]] = [
        ["CLinux", "COpenSSL", "CNGHTTP2", "CYAML", "CNFTables", "CConntrack", "CCurl", "CAres"],
        ["Bytes", "Snapshot"],
        ["Linux", "OpenSSL", "Site"],
        ["Engine", "HTTPWire", "Outbound"],
        ["Gateway", "Firewall", "Certificates", "DemoApp"],
        ["Control"],
        ["Operations", "Fleet"],
        ["gatehouse", "gatehouse-outbound"],
    ]

    /// Narrower than the floors say: a module listed here uses nothing of ours but what stands beside it.
    let only: [String: Set<String>] = [
        "Site": ["CYAML"],
        "Bytes": [],
        "Snapshot": [],
    ]

    /// Arrows that the floors would allow and the design forbids, with the reason a reader gets to see.
    let never: [(from: String, to: String, why: String)] = [
        ("Engine", "Site", "the event loop knows no site"),
        ("HTTPWire", "Linux", "the codecs work on bytes and know no sockets"),
        ("HTTPWire", "OpenSSL", "the codecs work on bytes and know no transport"),
        ("HTTPWire", "Site", "the codecs know no configuration"),
    ]

    /// The one place that may import a C library: everybody else uses its wrapper.
    let wrappers: [String: String] = [
        "CLinux": "Sources/Linux/",
        "COpenSSL": "Sources/OpenSSL/",
        "CNGHTTP2": "Sources/HTTPWire/HTTP2/NGHTTP2/",
        "CYAML": "Sources/Site/YAML/",
        "CNFTables": "Sources/Firewall/Kernel/",
        "CConntrack": "Sources/Firewall/Kernel/",
        "CCurl": "Sources/gatehouse-outbound/Curl/",
        "CAres": "Sources/gatehouse-outbound/CAres/",
    ]

    /// What is neither ours nor the standard library's, and who may import it.
    let packages: [String: Set<String>] = [
        "ArgumentParser": ["gatehouse", "gatehouse-outbound"],
        "Logging": ["Control", "Operations", "gatehouse", "gatehouse-outbound"],
    ]

    /// Part of the toolchain and harmless everywhere.
    let standard: Set<String> = ["Swift", "Synchronization", "Glibc"]

    /// Modules that never see Foundation: it allocates behind one's back and triples the start time.
    let withoutFoundation: Set<String> = ["Bytes", "Linux", "OpenSSL", "Engine", "HTTPWire", "Gateway", "Site"]
    let foundation: Set<String> = ["Foundation", "FoundationEssentials", "FoundationNetworking"]

    /// Where the word `unsafe` may stand, because a C library or the kernel is wrapped there.
    let unsafe: [String] = [
        "Sources/Bytes/", "Sources/Linux/", "Sources/OpenSSL/", "Sources/Engine/",
        "Sources/HTTPWire/HTTP2/NGHTTP2/", "Sources/Site/YAML/", "Sources/gatehouse-outbound/CAres/",
        "Sources/gatehouse-outbound/Curl/", "Sources/Firewall/Kernel/",
    ]

    /// Where traffic is served: no certificate is signed and no key made there, which would hold up those who wait.
    let traffic: [String] = ["Sources/Engine/", "Sources/Gateway/", "Sources/Control/DataPlane/"]
    /// By what that is done.
    let signing: Set<String> = [
        "CertificateRequest", "CertificateTemplate", "ChallengeCertificate", "InternalCA", "generate",
    ]
    /// But for the answers that CAs look for, which the data plane makes on the thread that takes its orders: no worker's.
    let challenges = "Sources/Gateway/Workers/Keyring.swift"

    let longestFile = 450

    /// The floor of a module of ours; nil when it is not one.
    func floor(of module: String) -> Int? {
        floors.firstIndex { $0.contains(module) }
    }

    /// Why `user` may not depend on `used`, both being modules of ours; nil when it may.
    func objection(from user: String, to used: String) -> String? {
        guard let upper = floor(of: user) else { return "\(user) is no module that House.floors knows" }
        guard let lower = floor(of: used) else { return "\(used) is no module that House.floors knows" }
        if let rule = never.first(where: { $0.from == user && $0.to == used }) {
            return "\(user) must never use \(used): \(rule.why)"
        }
        if let allowed = only[user], !allowed.contains(used) {
            let list = allowed.isEmpty ? "nothing of ours" : allowed.sorted().joined(separator: ", ")
            return "\(user) uses \(list) only, not \(used)"
        }
        if lower >= upper { return "\(used) does not stand below \(user); arrows point down only" }
        return nil
    }
}
