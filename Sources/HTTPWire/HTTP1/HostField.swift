import Bytes

/// Exactly one Host, and a valid one (RFC 9112 section 3.2). HTTP/1.0 may leave it out.
enum HostField {
    /// Sets the head's authority from Host, or Host from the authority that an absolute target named:
    /// whatever reads the field then reads what was routed by.
    static func apply(to head: MessageHead, _ census: FieldCensus) -> RefusalReason? {
        if census.repeats(.host) { return .duplicateHost }
        guard census.has(.host), let index = head.fields.firstIndex(where: { $0.known == .host }) else {
            return head.version == .http10 ? nil : .missingHost
        }
        let bytes = head.bytes
        let value = head.fields[index].value
        guard Authority(bytes.span(value)) != nil else { return .invalidHost }
        if head.authority.isEmpty {
            head.authority = value
        } else {
            head.fields[index].value = head.authority
        }
        return nil
    }
}
