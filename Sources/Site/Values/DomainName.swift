/// The rules for names of hosts in the DNS (RFC 1123, section 2.1), as certificates and Host fields hold them.
enum DomainName {
    /// The name in lower case.
    static func canonical(_ text: String) throws(ValueFault) -> String {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw ValueFault("is not ASCII", help: "write it in Punycode (`xn--…`)")
        }
        guard !text.isEmpty, text.utf8.count <= 253 else {
            throw ValueFault("is no name: it needs 1 to 253 characters")
        }
        if text.hasSuffix(".") { throw ValueFault("ends with a dot", help: "leave the dot out") }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            guard !label.isEmpty else { throw ValueFault("is no name: it has an empty part") }
            guard label.utf8.count <= 63 else { throw ValueFault("is no name: a part has more than 63 characters") }
            guard label.utf8.allSatisfy(isLetterDigitOrHyphen), label.first != "-", label.last != "-" else {
                throw ValueFault("is no name: parts are letters, digits and inner hyphens")
            }
        }
        guard let last = labels.last, !last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw ValueFault("is no name: its last part is a number")
        }
        return text.lowercased()
    }

    private static func isLetterDigitOrHyphen(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
        default: false
        }
    }
}
