package record

// Document is a task document as a run read it.
type Document struct {
	Name   string `json:"name"`
	Format string `json:"format"`
	// Text is the content in records of older versions, Packed in those of this one; see Content.
	Text   []byte `json:"text,omitempty"`
	Packed []byte `json:"packed,omitempty"`
}

// MaxDocuments is the largest size of the packed documents of a record. The other data has the rest of maxBytes.
const MaxDocuments = 256 << 10

// NewDocument returns a document, packed.
func NewDocument(name, format string, text []byte) Document {
	return Document{Name: name, Format: format, Packed: pack(text)}
}

// Content returns the document's text. The error says why it cannot be unpacked.
func (d Document) Content() ([]byte, error) {
	if d.Packed == nil {
		return d.Text, nil
	}
	return unpack(d.Packed)
}

// PackedSize returns the size of the documents in a record, in bytes.
func PackedSize(documents []Document) int {
	size := 0
	for _, d := range documents {
		size += len(d.Packed) + len(d.Text)
	}
	return size
}
