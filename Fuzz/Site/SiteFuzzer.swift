import Site

/// One input: a site file.
///
/// What must hold, or it traps: there is a model or an error, and never both; what is printed holds no control character; a
/// file that was taken is taken again, and means the same, with other line ends.
@c(LLVMFuzzerTestOneInput)
public func fuzzSite(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // Sound: libFuzzer lends `count` bytes for the length of this call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let outcome = SiteFile.parse(bytes: bytes, name: "site.yaml")
    let hasErrors = outcome.omitted > 0 || outcome.diagnostics.contains { $0.severity == .error }
    precondition((outcome.model == nil) == hasErrors, "a model and an error, or neither")
    precondition(outcome.diagnostics.count <= 100, "more diagnostics than a person reads")
    precondition(
        outcome.text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control },
        "a control character would be printed"
    )
    precondition(!outcome.json.isEmpty, "no JSON")
    if let model = outcome.model, !bytes.contains(0x0D) {
        let other = bytes.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        precondition(SiteFile.parse(bytes: other, name: "site.yaml").model == model, "CRLF means something else")
        for pool in (model.gateway?.pools ?? [:]).values {
            precondition(model.endpoints(of: pool).allSatisfy { $0.port > 0 }, "a server without a port")
        }
    }
    return 0
}
