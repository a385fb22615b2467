package expression

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// isLocal reports whether a name is the variable of a macro, such as x in list.map(x, x + 1).
func isLocal(node ast.NavigableExpr, name string) bool {
	inner := node
	for outer, ok := node.Parent(); ok; outer, ok = outer.Parent() {
		if outer.Kind() == ast.ComprehensionKind {
			c := outer.AsComprehension()
			own := name == c.IterVar() || name == c.IterVar2() || name == c.AccuVar()
			if own && inner.ID() != c.IterRange().ID() && inner.ID() != c.AccuInit().ID() {
				return true
			}
		}
		inner = outer
	}
	return false
}

// member returns the name in node.NAME or node["NAME"], and that expression.
func member(node ast.NavigableExpr) (string, ast.NavigableExpr, bool) {
	parent, ok := node.Parent()
	if !ok {
		return "", nil, false
	}
	switch parent.Kind() {
	case ast.SelectKind:
		return parent.AsSelect().FieldName(), parent, true
	case ast.CallKind:
		call := parent.AsCall()
		if call.FunctionName() != operators.Index || call.Args()[0].ID() != node.ID() {
			break
		}
		if index := call.Args()[1]; index.Kind() == ast.LiteralKind {
			name, isText := index.AsLiteral().Value().(string)
			return name, parent, isText
		}
	default:
	}
	return "", nil, false
}

// isTest reports whether the expression is the argument of has(…).
func isTest(node ast.NavigableExpr) bool {
	return node.Kind() == ast.SelectKind && node.AsSelect().IsTestOnly()
}
