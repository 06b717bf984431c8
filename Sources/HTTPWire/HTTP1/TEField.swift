import Bytes

/// TE (RFC 9110 section 10.1.4) is hop-by-hop, but for the word `trailers`, which goes through alone.
enum TEField {
    /// Narrows a TE that holds `trailers` to that word and lets it pass; every other stays marked.
    static func apply(to head: MessageHead, _ census: FieldCensus) {
        guard census.has(.te) else { return }
        let bytes = head.bytes
        for index in head.fields.indices where head.fields[index].known == .te {
            let slice = head.fields[index].value
            let value = bytes.span(slice)
            head.fields[index].isHopByHop = true
            var elements = ListElements()
            while let element = elements.next(in: value) {
                guard value.extracting(element).equalsIgnoringCase("trailers") else { continue }
                head.fields[index].value = Slice(
                    offset: Int(slice.offset) + element.lowerBound,
                    length: element.count
                )
                head.fields[index].isHopByHop = false
                break
            }
        }
    }
}
