package import Site

/// What /etc/hosts says (hosts(5)): an address and its names a line, `#` before comments. Lines that make no
/// sense are left out, as libc leaves them out.
package struct HostsFile: Equatable, Sendable {
    private var addresses: [String: [IPAddress]] = [:]

    package init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard let first = words.first, let address = IPAddress(String(first)) else { continue }
            for name in words.dropFirst() {
                let name = name.lowercased()
                if addresses[name]?.contains(address) != true { addresses[name, default: []].append(address) }
            }
        }
    }

    /// The addresses of a name in lower case, in the order of the file; none when it is not there.
    package subscript(name: String) -> [IPAddress] { addresses[name] ?? [] }
}
