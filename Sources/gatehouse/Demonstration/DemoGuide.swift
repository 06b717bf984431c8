import Linux

/// What the demonstration says once it is ready: what runs, what to try, how to stop.
struct DemoGuide {
    let text: String

    init(https: UInt16, http: UInt16, folder: DemoFolder, apps: DemoApps) {
        let curl = "curl --cacert \(Self.quoted(folder.rootCertificate)) --resolve foobar.com:\(https):127.0.0.1"
        let site = "https://foobar.com:\(https)"
        var lines = ["", "Gatehouse is ready.", ""]
        lines.append("  HTTPS       https://localhost:\(https)  (HTTP/2 and HTTP/1.1; also as foobar.com)")
        lines.append("  HTTP        http://localhost:\(http)  (redirects to HTTPS)")
        for (app, identifier) in zip(apps.apps, apps.identifiers) {
            lines.append("  \(app.name)      http://\(app.address)  (weight \(app.weight), process \(identifier))")
        }
        lines.append("  site file   \(folder.siteFile)")
        lines.append("  access log  \(folder.accessLog)")
        lines.append("  CA          \(folder.rootCertificate)")
        lines += ["", "Try it:", ""]
        lines.append("  \(curl) -i \(site)/")
        lines.append("  \(curl) \(site)/echo -H 'X-Try: this'")
        lines.append("  \(curl) -N '\(site)/drip?n=20&ms=100'")
        lines.append("  \(curl) -o /dev/null \(site)/bytes/1000000000")
        lines.append("  curl -i http://localhost:\(http)/")
        lines.append("")
        lines.append("Who answers, twice app-01 for each app-02:")
        lines.append("")
        lines.append("  for i in 1 2 3 4 5 6; do \(curl) -s -o /dev/null -D - \(site)/ | grep -i x-served-by; done")
        if let first = apps.identifiers.first {
            let program = Self.quoted(ProcessStart.thisProgramPath ?? "gatehouse")
            lines += ["", "How it stands: \(program) status --socket \(Self.quoted(folder.socket))"]
            lines += ["Take one server away and ask again: kill \(first)"]
        }
        lines.append("Stop everything: Ctrl-C.")
        text = lines.joined(separator: "\n")
    }

    /// A word for the shell.
    private static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isPlain
            ? path : "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
